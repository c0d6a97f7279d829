import { describe, expect, it } from "vitest";
import { canonicalImageName, imageRepository } from "./image-name.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("canonicalImageName", () => {
  it.each([
    ["nginx", "docker.io/library/nginx:latest", "docker.io/library/nginx"],
    ["nginx:1.27", "docker.io/library/nginx:1.27", "docker.io/library/nginx"],
    ["bitnami/redis", "docker.io/bitnami/redis:latest", "docker.io/bitnami/redis"],
    ["index.docker.io/nginx", "docker.io/library/nginx:latest", "docker.io/library/nginx"],
    ["localhost/app", "localhost/app:latest", "localhost/app"],
    ["localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app"],
    ["10.0.0.1:5000/team/app:v2", "10.0.0.1:5000/team/app:v2", "10.0.0.1:5000/team/app"],
    ["keles.dev/demo:v1", "keles.dev/demo:v1", "keles.dev/demo"],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, "docker.io/library/nginx"],
    [`quay.io/a/b:1@${digest}`, `quay.io/a/b:1@${digest}`, "quay.io/a/b"],
  ])("%s", (name, canonical, repository) => {
    expect(canonicalImageName(name)).toBe(canonical);
    expect(canonicalImageName(canonical)).toBe(canonical);
    expect(imageRepository(canonical)).toBe(repository);
  });
});
