import { deepFreeze } from "../../base/values.ts";
import { isJsonObject, type JsonObject } from "../patch/json-value.ts";
import { compareParts, FieldSet } from "./field-set.ts";

/** Text that is no FieldsV1. */
export class FieldsError extends Error {
  override readonly name = "FieldsError";
}

// PERF: stored entries are frozen and shared, so that the same object is read and written again and again.
const decoded = new WeakMap<object, FieldSet>();
const encoded = new WeakMap<FieldSet, JsonObject>();

/** FieldsV1 as JSON to a set; throws FieldsError. @upstream structured-merge-diff fieldpath/serialize.go */
export function decodeFields(fields: unknown): FieldSet {
  if (!isJsonObject(fields)) throw new FieldsError("fieldsV1 is not an object");
  const known = Object.isFrozen(fields) ? decoded.get(fields) : undefined;
  if (known !== undefined) return known;
  const set = decodeNode(fields, 0);
  if (Object.isFrozen(fields)) {
    decoded.set(fields, set);
    encoded.set(set, fields);
  }
  return set;
}

const maxDepth = 500;
function decodeNode(fields: JsonObject, depth: number): FieldSet {
  if (depth > maxDepth) throw new FieldsError("fieldsV1 nests too deep");
  const members = new Set<string>();
  const children = new Map<string, FieldSet>();
  for (const key of Object.keys(fields)) {
    if (key === ".") continue;
    const value = fields[key];
    if (!isJsonObject(value)) throw new FieldsError(`fieldsV1 has no object at ${key}`);
    const part = canonicalPart(key);
    const keys = Object.keys(value);
    if (keys.length === 0 || Object.hasOwn(value, ".")) members.add(part);
    if (keys.length === 0 || (keys.length === 1 && keys[0] === ".")) continue;
    const child = decodeNode(value, depth + 1);
    if (!child.isEmpty) children.set(part, child);
  }
  return new FieldSet(members, children);
}

function canonicalPart(key: string): string {
  if (key.startsWith("f:")) return key;
  try {
    if (key.startsWith("k:")) return keyPart(JSON.parse(key.slice(2)) as JsonObject);
    if (key.startsWith("v:")) return `v:${JSON.stringify(JSON.parse(key.slice(2)))}`;
  } catch {
    throw new FieldsError(`fieldsV1 has the unreadable part ${key}`);
  }
  if (/^i:[0-9]+$/.test(key)) return key;
  throw new FieldsError(`fieldsV1 has the unknown part ${key}`);
}

/** The part of a list's item, its key fields sorted: `k:{"containerPort":80,"protocol":"TCP"}`. */
export function keyPart(fields: JsonObject): string {
  const names = Object.keys(fields).sort();
  return `k:{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(fields[name])}`).join(",")}}`;
}

/** A set to FieldsV1, its parts in order. Frozen, and the same for the same set. */
export function encodeFields(set: FieldSet): JsonObject {
  const known = encoded.get(set);
  if (known !== undefined) return known;
  const fields = deepFreeze(encodeNode(set));
  encoded.set(set, fields);
  decoded.set(fields, set);
  return fields;
}

function encodeNode(set: FieldSet): JsonObject {
  const out: Record<string, unknown> = {};
  const parts = [...new Set([...set.members, ...set.children.keys()])].sort(compareParts);
  for (const part of parts) {
    const below = set.children.get(part);
    if (below === undefined) out[part] = {};
    else out[part] = set.members.has(part) ? { ".": {}, ...encodeNode(below) } : encodeNode(below);
  }
  return out;
}

/** A path as messages write it: `.spec.containers[name="a",port=80].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(partText).join("");
}

function partText(part: string): string {
  const value = part.slice(2);
  switch (part.charAt(0)) {
    case "f":
      return `.${value}`;
    case "k": {
      const fields = Object.entries(JSON.parse(value) as JsonObject);
      return `[${fields.map(([name, item]) => `${name}=${JSON.stringify(item)}`).join(",")}]`;
    }
    case "v":
      return `[=${value}]`;
    default:
      return `[${value}]`;
  }
}
