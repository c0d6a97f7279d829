import { isJsonObject, ownField, type JsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { fieldOf, listKeys, shapeOf } from "./shape.ts";

/**
 * What of a value decides which fields it has: its keys, the keys of its list items, and where nothing or null stands;
 * not its scalars. Of `{ replicas: 3, labels: { app: "web" } }`: a map of `replicas`, a scalar, and `labels`, a map of
 * `app`, a scalar. Values that fit the same skeleton have the same fields.
 */
export type Skeleton = Leaf | MapSkeleton | ListSkeleton;

type Leaf = "null" | "scalar" | "empty list" | "empty map" | "atomic list" | "atomic map";
interface MapSkeleton {
  /** In the value's order. */
  readonly keys: readonly string[];
  readonly below: readonly Skeleton[];
}
interface ListSkeleton {
  /** The fields that tell items apart; undefined: the items themselves do. */
  readonly keyFields: readonly string[] | undefined;
  /** For each item the values of its key fields. */
  readonly parts: readonly (readonly unknown[])[];
  readonly below: readonly Skeleton[];
}

/** Undefined for a value whose fields depend on more than a skeleton says. */
export function skeletonOf(value: unknown, schema: Schema | undefined): Skeleton | undefined {
  if (value === null) return "null";
  if (typeof value !== "object") return "scalar";
  const shape = shapeOf(schema, value);
  if (Array.isArray(value)) {
    if (value.length === 0) return "empty list";
    if (shape === "list" && schema !== undefined) return listSkeleton(value, schema);
    return shape === "atomic" ? "atomic list" : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  if (shape !== "map") return shape === "atomic" ? (hasField(value) ? "atomic map" : "empty map") : undefined;
  const keys: string[] = [];
  const below: Skeleton[] = [];
  for (const key in value) {
    const item = ownField(value, key);
    if (item === undefined) continue;
    const inner = skeletonOf(item, fieldOf(schema, key).schema);
    if (inner === undefined) return undefined;
    keys.push(key);
    below.push(inner);
  }
  return keys.length === 0 ? "empty map" : { keys, below };
}

function listSkeleton(list: readonly unknown[], schema: Schema): ListSkeleton | undefined {
  const keyFields = listKeys(schema);
  const parts: (readonly unknown[])[] = [];
  const below: Skeleton[] = [];
  for (const item of list) {
    const values = keyFields === undefined ? [item] : isJsonObject(item) ? keyFields.map((field) => ownField(item, field)) : undefined;
    if (values === undefined || values.some((value) => typeof value === "object")) return undefined;
    const inner = skeletonOf(item, schema.items);
    if (inner === undefined) return undefined;
    parts.push(values);
    below.push(inner);
  }
  return { keyFields, parts, below };
}

/** Whether the value has just this skeleton, under the schema that the skeleton was made with. PERF: allocates nothing. */
export function fits(skeleton: Skeleton, value: unknown): boolean {
  if (typeof value !== "object") return skeleton === "scalar" && value !== undefined;
  if (value === null) return skeleton === "null";
  if (Array.isArray(value)) {
    if (value.length === 0) return skeleton === "empty list";
    return typeof skeleton === "string" ? skeleton === "atomic list" : "parts" in skeleton && fitsList(skeleton, value);
  }
  if (typeof skeleton !== "string") return "keys" in skeleton && fitsMap(skeleton, value as JsonObject);
  if (skeleton !== "atomic map" && skeleton !== "empty map") return false;
  return hasField(value as JsonObject) === (skeleton === "atomic map");
}

function fitsMap({ keys, below }: MapSkeleton, value: JsonObject): boolean {
  let at = 0;
  for (const key in value) {
    const item = value[key];
    if (item === undefined) continue;
    const inner = below[at];
    if (key !== keys[at] || inner === undefined || !fits(inner, item)) return false;
    at += 1;
  }
  return at === keys.length;
}

function fitsList({ keyFields, parts, below }: ListSkeleton, list: readonly unknown[]): boolean {
  if (list.length !== parts.length) return false;
  for (const [index, values] of parts.entries()) {
    const item = list[index];
    if (keyFields === undefined) {
      if (item !== values[0]) return false;
    } else {
      if (!isJsonObject(item)) return false;
      for (const [at, field] of keyFields.entries()) if (ownField(item, field) !== values[at]) return false;
    }
    const inner = below[index];
    if (inner === undefined || !fits(inner, item)) return false;
  }
  return true;
}

function hasField(value: JsonObject): boolean {
  for (const key in value) if (value[key] !== undefined) return true;
  return false;
}
