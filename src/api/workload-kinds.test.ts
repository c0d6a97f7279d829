import { describe, expect, it } from "vitest";
import { clone } from "../base/values.ts";
import type { KubeObject } from "../meta/object.ts";
import { apiVersionOf } from "../meta/resource.ts";
import { workloadKinds } from "./workload-kinds.ts";

describe("workload kinds", () => {
  it("are told apart by their resource", () => expect(new Set(workloadKinds.map(({ resource }) => `${resource.group}/${resource.resource}`)).size).toBe(workloadKinds.length));

  // Defaults run again on what comes from the store, and on what a careless client sends.
  it.each(workloadKinds.map((definition) => [definition.resource.kind, definition] as const))("%s: defaults take anything, and twice is once", (kind, definition) => {
    const draft = { apiVersion: apiVersionOf(definition.resource), kind, metadata: { name: "x" } };
    definition.defaults?.(draft);
    const once = clone(draft);
    definition.defaults?.(draft);
    expect(draft).toEqual(once);
  });

  it.each(workloadKinds.map((definition) => [definition.resource.kind, definition] as const))("%s: an empty one is refused or not, and can be listed", (kind, definition) => {
    const draft = { apiVersion: apiVersionOf(definition.resource), kind, metadata: { name: "x", uid: "u" } };
    definition.defaults?.(draft);
    definition.prepareCreate?.(draft);
    const object: KubeObject = draft;
    const errors = [...(definition.validate?.(object) ?? []), ...(definition.validateCreate?.(object) ?? []), ...(definition.validateUpdate?.(object, object) ?? [])];
    expect(errors.length > 0).toBe(kind !== "Node" && kind !== "Namespace");
    for (const column of definition.columns ?? []) expect(column.value(object, { nowMs: 0 })).toBeDefined();
    for (const read of Object.values(definition.fieldSelectors ?? {})) expect(typeof read(object)).toBe("string");
    expect([...(definition.warnings?.(object, undefined) ?? [])]).toEqual([]);
    if (definition.scale !== undefined) expect([definition.scale.statusReplicas(object), typeof definition.scale.selector(object)]).toEqual([0, "string"]);
  });
});
