import { describe, expect, it } from "vitest";
import { JsonPath, JsonPathError } from "./json-path.ts";

const object = {
  spec: { replicas: 3, ports: [{ name: "a" }, { name: "b" }] },
  metadata: { labels: { "x.io/y": "z" } },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Synced", status: "False" },
    ],
  },
};

describe("JsonPath", () => {
  it.each([
    [".spec.replicas", [3]],
    ["{.spec.replicas}", [3]],
    [".spec.ports[1].name", ["b"]],
    [".spec.ports[*].name", ["a", "b"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    [".status.conditions[?(@.type=='Synced')].status", ["False"]],
    [".metadata.labels['x.io/y']", ["z"]],
    [".metadata.labels.x\\.io/y", []],
    [".spec.missing.deeper", []],
  ])("%s", (path, found) => {
    if (path.includes("\\")) expect(() => JsonPath.parse(path)).toThrow(JsonPathError);
    else expect(JsonPath.parse(path).find(object)).toEqual(found);
  });

  it("refuses what it does not know", () => {
    expect(() => JsonPath.parse(".spec[")).toThrow(JsonPathError);
  });

  it("tells a path of plain fields", () => {
    expect(JsonPath.parse(".spec.replicas").fields).toEqual(["spec", "replicas"]);
    expect(JsonPath.parse(".spec.ports[0]").fields).toBeUndefined();
  });
});
