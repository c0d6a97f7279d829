import { isJsonObject, ownField, setField } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import type { FieldSet } from "./field-set.ts";
import { fieldOf, isEmptyObject, itemPart, partsOf, shapeOf } from "./shape.ts";

/**
 * The live object with a configuration laid over it: leaves of the configuration win, all else stays.
 * @upstream structured-merge-diff typed/merge.go
 */
export function mergeConfig(live: unknown, config: unknown, schema: Schema | undefined): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const shape = shapeOf(schema, config);
  if (shape === "scalar" || shape === "atomic" || shape !== shapeOf(schema, live)) return config;
  if (shape === "map") {
    const [left, right] = [isJsonObject(live) ? live : {}, isJsonObject(config) ? config : {}];
    if (isEmptyObject(left) && isEmptyObject(right)) return config;
    const out: Record<string, unknown> = {};
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const merged = mergeConfig(ownField(left, key), ownField(right, key), fieldOf(schema, key).schema);
      if (merged !== undefined) setField(out, key, merged);
    }
    return out;
  }
  const [left, right] = [Array.isArray(live) ? (live as readonly unknown[]) : [], Array.isArray(config) ? (config as readonly unknown[]) : []];
  if ((left.length === 0 && right.length === 0) || schema === undefined) return config;
  return mergeItems(left, right, schema);
}

/** Shared items take the configuration's order; items that only the live list has keep their place among them. */
function mergeItems(live: readonly unknown[], config: readonly unknown[], schema: Schema): unknown[] {
  const left = partsOf(schema, live);
  const right = partsOf(schema, config);
  const counts = new Map<string, number>();
  for (const { part } of left) counts.set(part, (counts.get(part) ?? 0) + 1);
  const liveItems = new Map(left.map(({ part, item }) => [part, item]));
  const configItems = new Map(right.map(({ part, item }) => [part, item]));
  const shared = right.map(({ part }) => part).filter((part) => liveItems.has(part));
  const done = new Set<string>();
  const out: unknown[] = [];
  let sharedAt = 0;
  let [l, r] = [0, 0];
  const merge = (part: string): void => {
    done.add(part);
    // A live item that comes twice is replaced as a whole.
    const before = counts.get(part) === 1 ? liveItems.get(part) : undefined;
    out.push(mergeConfig(before, configItems.get(part), schema.items));
  };
  while (l < left.length || r < right.length) {
    const leftEntry = left[l];
    const rightEntry = right[r];
    if (leftEntry !== undefined && rightEntry !== undefined) {
      if (leftEntry.part === rightEntry.part) {
        merge(leftEntry.part);
        l += 1;
        r += 1;
        sharedAt += 1;
        continue;
      }
      const next = shared[sharedAt];
      if (configItems.has(leftEntry.part) && next !== undefined && next !== leftEntry.part) {
        l += 1;
        continue;
      }
    }
    if (leftEntry !== undefined) {
      if (!configItems.has(leftEntry.part)) {
        out.push(leftEntry.item);
        l += 1;
        continue;
      }
      if (done.has(leftEntry.part)) l += 1;
    }
    if (rightEntry !== undefined) {
      merge(rightEntry.part);
      r += 1;
      if (shared[sharedAt] === rightEntry.part) sharedAt += 1;
    }
  }
  return out;
}

/** The object without the paths of a set; a container that becomes empty is null. @upstream structured-merge-diff typed/remove.go */
export function removeFields(value: unknown, paths: FieldSet, schema: Schema | undefined): unknown {
  if (paths.isEmpty) return value;
  const shape = shapeOf(schema, value);
  if (shape === "scalar") return value;
  if (shape === "atomic") return null;
  if (Array.isArray(value) && schema !== undefined) {
    const kept: unknown[] = [];
    for (const item of value as readonly unknown[]) {
      const part = itemPart(schema, item);
      if (typeof part === "string" && paths.members.has(part)) continue;
      const below = typeof part === "string" ? paths.children.get(part) : undefined;
      kept.push(below === undefined ? item : removeFields(item, below, schema.items));
    }
    return kept.length === 0 ? null : kept;
  }
  if (!isJsonObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const part = `f:${key}`;
    if (paths.members.has(part)) continue;
    const below = paths.children.get(part);
    setField(out, key, below === undefined ? value[key] : removeFields(value[key], below, fieldOf(schema, key).schema));
  }
  return isEmptyObject(out) ? null : out;
}

/** Without properties that are null, as a typed object is when it is written; lists keep theirs. */
export function dropNulls(value: unknown, schema: Schema | undefined): unknown {
  if (Array.isArray(value)) {
    let isSame = true;
    const items = (value as readonly unknown[]).map((item) => {
      const dropped = dropNulls(item, schema?.items);
      if (dropped !== item) isSame = false;
      return dropped;
    });
    return isSame ? value : items;
  }
  if (!isJsonObject(value) || schema === undefined || schema.type === "any") return value;
  let isSame = true;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    const field = fieldOf(schema, key);
    if (item === null && (field.isNamed || schema.type === "map")) {
      isSame = false;
      continue;
    }
    const dropped = dropNulls(item, field.schema);
    if (dropped !== item) isSame = false;
    setField(out, key, dropped);
  }
  return isSame ? value : out;
}
