import { isJsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { FieldSet, FieldSetBuilder } from "./field-set.ts";
import { fieldOf, isEmptyObject, partsOf, shapeOf } from "./shape.ts";

/** The paths that a configuration sets: its leaves, its list items and its maps' keys. @upstream structured-merge-diff typed/tofieldset.go */
export function fieldSetOf(object: unknown, schema: Schema | undefined): FieldSet {
  const builder = new FieldSetBuilder();
  if (isJsonObject(object)) fill(builder, object, schema);
  return builder.build();
}

/** Adds what lies below a map or list; the caller has marked the container itself if that is a path. */
function fill(into: FieldSetBuilder, value: unknown, schema: Schema | undefined): void {
  if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      const item = value[key];
      if (item === undefined) continue;
      const field = fieldOf(schema, key);
      const part = `f:${key}`;
      if (isLeaf(item, field.schema) || !field.isNamed || item === null || (isJsonObject(item) && isEmptyObject(item))) into.add(part);
      if (!isLeaf(item, field.schema)) fill(into.child(part), item, field.schema);
    }
  } else if (Array.isArray(value) && schema !== undefined) {
    const seen = new Map<string, number>();
    const items = partsOf(schema, value);
    for (const { part } of items) seen.set(part, (seen.get(part) ?? 0) + 1);
    for (const { part, item } of items) {
      into.add(part);
      // What comes twice is one thing, owned as a whole.
      if (seen.get(part) === 1 && !isLeaf(item, schema.items)) fill(into.child(part), item, schema.items);
    }
  }
}

const isLeaf = (value: unknown, schema: Schema | undefined): boolean => {
  const shape = shapeOf(schema, value);
  return shape === "scalar" || shape === "atomic";
};

/**
 * The set with every named field that has members below it as a member too, so that structs count like their content.
 * @upstream structured-merge-diff fieldpath/set.go EnsureNamedFieldsAreMembers
 */
export function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  if (set.children.size === 0) return set;
  const members = new Set(set.members);
  const children = new Map<string, FieldSet>();
  for (const [part, child] of set.children) {
    if (part.startsWith("f:")) {
      const field = fieldOf(schema, part.slice(2));
      if (field.isNamed) members.add(part);
      children.set(part, withNamedFields(child, field.schema));
    } else children.set(part, withNamedFields(child, schema?.items));
  }
  return new FieldSet(members, children);
}
