import { describe, expect, it } from "vitest";
import { defaultPullPolicy, parseImageReference } from "./image-reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("parseImageReference", () => {
  it.each([
    ["nginx", "docker.io/library/nginx", "latest", ""],
    ["nginx:1.27", "docker.io/library/nginx", "1.27", ""],
    ["library/nginx", "docker.io/library/nginx", "latest", ""],
    ["index.docker.io/nginx", "docker.io/library/nginx", "latest", ""],
    ["bitnami/redis:7", "docker.io/bitnami/redis", "7", ""],
    ["localhost/app", "localhost/app", "latest", ""],
    ["localhost:5000/app:x", "localhost:5000/app", "x", ""],
    ["registry.example.com:443/a/b/c:v1.0_x-1", "registry.example.com:443/a/b/c", "v1.0_x-1", ""],
    ["Registry/app", "Registry/app", "latest", ""],
    ["[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app", "latest", ""],
    [`nginx@${digest}`, "docker.io/library/nginx", "", digest],
    [`nginx:1.27@${digest}`, "docker.io/library/nginx", "1.27", digest],
    ["a__b/c--d.e_f", "docker.io/a__b/c--d.e_f", "latest", ""],
  ])("%s", (image, name, tag, expectedDigest) => expect(parseImageReference(image)).toMatchObject({ name, tag, digest: expectedDigest }));

  it.each(["", " nginx", "Nginx", "nginx:", "nginx:-x", "a//b", "nginx@sha256:abc", `nginx@sha256:${"g".repeat(64)}`, "a".repeat(64), `x/${"a".repeat(256)}`])(
    "refuses %j",
    (image) => expect(parseImageReference(image)).toBeUndefined(),
  );
});

describe("defaultPullPolicy", () => {
  it.each([
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["host:5000/nginx", "Always"],
    ["host:5000/nginx:1", "IfNotPresent"],
    [`nginx@${digest}`, "IfNotPresent"],
    ["NOT valid", "IfNotPresent"],
    [undefined, "IfNotPresent"],
  ])("of %s is %s", (image, policy) => expect(defaultPullPolicy(image)).toBe(policy));
});
