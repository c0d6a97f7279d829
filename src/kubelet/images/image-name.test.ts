import { describe, expect, it } from "vitest";
import type { Secret } from "../../api/generated/types/core-v1.ts";
import { pullPolicyOf, registryOf, withDefaultTag } from "./image-name.ts";
import { pullCredentials } from "./pull-credentials.ts";

const digest = `sha256:${"a".repeat(64)}`;

it.each([
  ["nginx", "nginx:latest"],
  ["nginx:1.14.2", "nginx:1.14.2"],
  ["r.example:5000/team/app", "r.example:5000/team/app:latest"],
  ["localhost/app:v1", "localhost/app:v1"],
  [`nginx@${digest}`, `nginx@${digest}`],
  [`nginx:1@${digest}`, `nginx:1@${digest}`],
  ["Nginx", undefined],
  ["a::b", undefined],
  ["", undefined],
  ["a".repeat(64), undefined],
])("%s is pulled as %s", (image, expected) => expect(withDefaultTag(image)).toBe(expected));

it.each([
  [{ image: "nginx" }, "Always"],
  [{ image: "nginx:1" }, "IfNotPresent"],
  [{ image: `nginx@${digest}` }, "IfNotPresent"],
  [{ image: "nginx", imagePullPolicy: "Never" }, "Never"],
])("%o is pulled %s", (container, policy) => expect(pullPolicyOf(container)).toBe(policy));

it.each([
  ["nginx", "index.docker.io", "library/nginx"],
  ["team/app:v1", "index.docker.io", "team/app"],
  ["docker.io/team/app", "index.docker.io", "team/app"],
  ["r.example:5000/team/app:v1", "r.example:5000", "team/app"],
  [`localhost/app@${digest}`, "localhost", "app"],
])("%s comes from %s", (image, registry, path) => expect(registryOf(image)).toEqual({ registry, path }));

describe("pullCredentials", () => {
  const secret = (auths: unknown): Secret => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {},
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa(JSON.stringify({ auths })) },
  });
  const user = (name: string): unknown => ({ auth: btoa(`${name}:pw`) });
  const names = (image: string, auths: unknown): readonly unknown[] => pullCredentials(image, [secret(auths)]).map(({ username }) => username);
  it("match by host and path, the longer first", () => {
    expect(names("r.example/team/app", { "r.example": user("all"), "r.example/team": user("team"), "r.example/tea": user("no"), "other.example": user("no") })).toEqual([
      "team",
      "all",
    ]);
  });
  it("know Docker Hub by its names, and stars", () => {
    expect(names("nginx", { "https://index.docker.io/v1/": user("hub") })).toEqual(["hub"]);
    expect(names("eu.r.example/x", { "*.r.example": user("star"), "r.example": user("no") })).toEqual(["star"]);
    expect(names("r.example:5000/x", { "r.example": user("no"), "r.example:5000": user("port") })).toEqual(["port"]);
  });
  it("pass over what cannot be read", () => {
    expect(
      pullCredentials("nginx", [{ apiVersion: "v1", kind: "Secret", metadata: {}, type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": btoa("{") } }]),
    ).toEqual([]);
    expect(pullCredentials("nginx", [{ apiVersion: "v1", kind: "Secret", metadata: {}, type: "Opaque", data: {} }])).toEqual([]);
  });
});
