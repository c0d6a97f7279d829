import { deepEqual } from "../../base/values.ts";
import { isJsonObject, ownField, type JsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { type FieldSet, FieldSetBuilder } from "./field-set.ts";
import { fieldOf, isEmbedded, isEmptyObject, partsOf, shapeOf } from "./shape.ts";

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Which paths differ between two objects of one kind. @upstream structured-merge-diff typed/compare.go */
export function compareObjects(before: unknown, after: unknown, schema: Schema | undefined): Comparison {
  const walk = new Walk();
  walk.compare(before, after, schema, []);
  return { added: walk.added.build(), modified: walk.modified.build(), removed: walk.removed.build() };
}

/** Leaves out what a manager cannot own; an ignored path covers all below it. */
export function withoutIgnored({ added, modified, removed }: Comparison, ignored: FieldSet): Comparison {
  return { added: added.recursiveDifference(ignored), modified: modified.recursiveDifference(ignored), removed: removed.recursiveDifference(ignored) };
}

class Walk {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();

  /** `undefined` is what is not there; null is a value. */
  compare(before: unknown, after: unknown, schema: Schema | undefined, path: string[]): void {
    if (before === after) return;
    const shape = shapeOf(schema, after === undefined ? before : after);
    const isSame = before === undefined || after === undefined || shape === shapeOf(schema, before);
    if (!isSame || shape === "scalar" || shape === "atomic") {
      this.#leaf(before, after, path);
      return;
    }
    if (shape === "map") {
      const [left, right] = [isJsonObject(before) ? before : undefined, isJsonObject(after) ? after : undefined];
      if ((left === undefined || isEmptyObject(left)) && (right === undefined || isEmptyObject(right))) {
        this.#leaf(before, after, path);
        return;
      }
      for (const key in left) this.#field({ left, right, schema }, key, path);
      for (const key in right) if (left === undefined || !Object.hasOwn(left, key)) this.#field({ left, right, schema }, key, path);
    } else if (schema !== undefined) this.#list(Array.isArray(before) ? before : undefined, Array.isArray(after) ? after : undefined, { before, after, schema }, path);
    // The container itself came or went with its content.
    if (before === undefined) this.added.insert(path);
    else if (after === undefined) this.removed.insert(path);
  }

  #field(
    { left, right, schema }: { readonly left: JsonObject | undefined; readonly right: JsonObject | undefined; readonly schema: Schema | undefined },
    key: string,
    path: string[],
  ): void {
    let a: unknown = left === undefined ? undefined : ownField(left, key);
    let b: unknown = right === undefined ? undefined : ownField(right, key);
    // PERF: most fields are equal scalars.
    if (a === b) return;
    if (a === undefined && left !== undefined && isEmbedded(schema, key)) a = emptyLike(b);
    if (b === undefined && right !== undefined && isEmbedded(schema, key)) b = emptyLike(a);
    path.push(`f:${key}`);
    this.compare(a, b, fieldOf(schema, key).schema, path);
    path.pop();
  }

  #list(
    left: readonly unknown[] | undefined,
    right: readonly unknown[] | undefined,
    whole: { readonly before: unknown; readonly after: unknown; readonly schema: Schema },
    path: string[],
  ): void {
    if ((left?.length ?? 0) === 0 && (right?.length ?? 0) === 0) {
      this.#leaf(whole.before, whole.after, path);
      return;
    }
    // PERF: naming the items costs more than comparing them.
    if (left !== undefined && right !== undefined && deepEqual(left, right)) return;
    const before = groupByPart(whole.schema, left ?? []);
    const after = groupByPart(whole.schema, right ?? []);
    for (const part of new Set([...before.keys(), ...after.keys()])) {
      const [a, b] = [before.get(part) ?? [], after.get(part) ?? []];
      path.push(part);
      if (a.length <= 1 && b.length <= 1) this.compare(a[0], b[0], whole.schema.items, path);
      else if (a.length === 0) this.added.insert(path);
      else if (b.length === 0) this.removed.insert(path);
      else if (!deepEqual(a, b)) this.modified.insert(path);
      path.pop();
    }
  }

  #leaf(before: unknown, after: unknown, path: readonly string[]): void {
    if (before === undefined) this.added.insert(path);
    else if (after === undefined) this.removed.insert(path);
    else if (!deepEqual(before, after)) this.modified.insert(path);
  }
}

/** What Go writes for a field that it always has. */
const emptyLike = (value: unknown): unknown => (Array.isArray(value) ? null : isJsonObject(value) ? {} : undefined);

function groupByPart(schema: Schema, list: readonly unknown[]): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const { part, item } of partsOf(schema, list)) {
    const group = groups.get(part);
    if (group === undefined) groups.set(part, [item]);
    else group.push(item);
  }
  return groups;
}
