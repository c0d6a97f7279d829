import { describe, expect, it } from "vitest";
import type { Schema } from "../meta/schema.ts";
import { definitionNames, schemaByName, schemaOf } from "./schemas.ts";

const at = (schema: Schema | undefined, ...path: readonly string[]): Schema | undefined =>
  path.reduce((inner, name) => (name === "*" ? inner?.items : inner?.fields?.[name]), schema);

describe("schemas", () => {
  const pod = schemaOf({ group: "", version: "v1", kind: "Pod" });

  it("knows every field of every definition", () => {
    const names = definitionNames();
    expect(names.length).toBeGreaterThan(500);
    for (const name of names)
      for (const field of Object.values(schemaByName(name)?.fields ?? {})) expect(field.type === "array" || field.type === "map" ? field.items : field.type).toBeDefined();
  });

  it("carries list and patch attributes", () => {
    expect(at(pod, "spec", "containers")).toMatchObject({ type: "array", listType: "map", listMapKeys: ["name"], patchMergeKey: "name", patchStrategy: ["merge"] });
    expect(at(pod, "spec", "volumes")?.patchStrategy).toEqual(["merge", "retainKeys"]);
    expect(at(pod, "spec", "nodeSelector")).toMatchObject({ type: "map", mapType: "atomic" });
    expect(at(pod, "metadata", "finalizers")).toMatchObject({ listType: "set", patchStrategy: ["merge"] });
    expect(at(schemaByName("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"))?.mapType).toBe("atomic");
    expect(at(pod, "spec", "containers", "*", "name")?.type).toBe("string");
  });

  it("keeps a definition's fields when a field adds an attribute", () => {
    const strategy = at(schemaOf({ group: "apps", version: "v1", kind: "Deployment" }), "spec", "strategy");
    expect(strategy?.patchStrategy).toEqual(["retainKeys"]);
    expect(at(strategy, "rollingUpdate", "maxSurge")?.type).toBe("int-or-string");
  });

  it("follows definitions that contain themselves", () => {
    const props = schemaByName("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
    expect(at(props, "properties", "*", "properties", "*")).toBe(props);
  });

  it("answers undefined to what it does not know", () => {
    expect(schemaOf({ group: "apps", version: "v9", kind: "Deployment" })).toBeUndefined();
    expect(schemaByName("constructor")).toBeUndefined();
  });
});
