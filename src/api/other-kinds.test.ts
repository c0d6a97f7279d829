import { describe, expect, it } from "vitest";
import { clone, deepEqual } from "../base/values.ts";
import { apiVersionOf } from "../meta/resource.ts";
import type { Schema } from "../meta/schema.ts";
import { rowOf, tryCreate, tryStatusUpdate, tryUpdate } from "./kind-trial.ts";
import { otherKinds } from "./other-kinds.ts";
import { builtinResources } from "./resource-facts.ts";
import { schemaOf } from "./schemas.ts";
import { workloadKinds } from "./workload-kinds.ts";

const textOf = ({ resource }: (typeof otherKinds)[number]): string => `${resource.group}/${resource.version}/${resource.resource}`;

describe("the list of kinds", () => {
  it("defines every stored resource of the facts, each once", () => {
    const defined = [...otherKinds, ...workloadKinds].map(textOf);
    expect(defined.filter((text, index) => defined.indexOf(text) !== index)).toEqual([]);
    const served = builtinResources.filter(({ verbs }) => verbs.includes("list")).map(({ group, version, resource }) => `${group}/${version}/${resource}`);
    expect(served.filter((text) => !defined.includes(text))).toEqual([]);
  });

  it("has no short name twice in one group", () => {
    const names = otherKinds.flatMap(({ resource, shortNames = [] }) => shortNames.map((name) => `${resource.group}/${resource.version}/${name}`));
    expect(new Set(names).size).toBe(names.length);
  });
});

/** A value of the schema with every object and one item of every list, and no scalar at all. */
function emptyThings(schema: Schema, depth: number): unknown {
  if (schema.type === "array") return schema.items?.type === "object" ? [emptyThings(schema.items, depth)] : undefined;
  if (schema.type === "map") return schema.items?.type === "object" ? { x: emptyThings(schema.items, depth) } : undefined;
  if (schema.type !== "object") return undefined;
  if (depth === 0) return {};
  return Object.fromEntries(Object.entries(schema.fields ?? {}).map(([name, field]) => [name, emptyThings(field, depth - 1)]));
}

/** Everything that a user may leave out is left out: nothing may throw, whatever the verdict. */
describe.each(otherKinds.map((definition) => [textOf(definition), definition] as const))("%s with nothing but a name", (_text, definition) => {
  const bare = `apiVersion: ${apiVersionOf(definition.resource)}\nkind: ${definition.resource.kind}\nmetadata: { name: x, namespace: default }\n`;

  it("is defaulted, prepared, validated and printed", () => {
    const { object, errors } = tryCreate(definition, bare);
    expect(tryUpdate(definition, object, () => {}).errors).toBeInstanceOf(Array);
    expect(tryStatusUpdate(definition, object, () => {}).errors).toBeInstanceOf(Array);
    expect([...(definition.warnings?.(object, undefined) ?? [])]).toEqual([]);
    if (errors.length > 0) return;
    for (const [column, cell] of Object.entries(rowOf(definition, object, 0))) expect(cell, column).not.toBeUndefined();
    for (const [field, read] of Object.entries(definition.fieldSelectors ?? {})) expect(read(object), field).toBeTypeOf("string");
  });

  it("may have empty things in every place", () => {
    const schema = schemaOf(definition.resource);
    const sparse = JSON.stringify({
      ...(schema === undefined ? {} : (emptyThings(schema, 7) as object)),
      apiVersion: apiVersionOf(definition.resource),
      kind: definition.resource.kind,
      metadata: { name: "x" },
    });
    const { object, errors } = tryCreate(definition, sparse);
    expect(tryUpdate(definition, object, () => {}).errors).toBeInstanceOf(Array);
    expect(tryStatusUpdate(definition, object, () => {}).errors).toBeInstanceOf(Array);
    if (errors.length === 0) for (const [column, cell] of Object.entries(rowOf(definition, object, 0))) expect(cell, column).not.toBeUndefined();
  });

  it("is not changed by defaulting twice", () => {
    const { object } = tryCreate(definition, bare);
    const again = clone(object);
    definition.defaults?.(again);
    expect(deepEqual(again, object)).toBe(true);
  });

  it("says nothing against an update that changes nothing", () => {
    const { object } = tryCreate(definition, bare);
    expect([...(definition.validateUpdate?.(object, object) ?? [])]).toEqual([]);
  });
});
