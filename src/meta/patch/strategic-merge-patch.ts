import type { Schema } from "../schema.ts";
import { badRequest, failure, type StatusError } from "../status-error.ts";
import { mergeLists, type ListMerge } from "./strategic-lists.ts";
import { directives, fieldSchemaOf, strategyOf, unknownDirective, withoutDirectives } from "./strategic-directives.ts";
import { isJsonObject, jsonWord, setField, unprocessable, type JsonObject } from "./json-value.ts";

/**
 * A strategic merge patch over the schema's merge keys and strategies. Neither input is changed. Throws 400 or 422
 * for directives that are malformed and 500, as upstream does, for patches that do not fit the object.
 * @upstream apimachinery/pkg/util/strategicpatch/patch.go StrategicMergeMapPatch
 */
export function applyStrategicMergePatch(document: unknown, patch: unknown, schema?: Schema): unknown {
  if (!isJsonObject(patch)) throw badRequest(`json: cannot unmarshal ${jsonWord(patch)} into Go value of type map[string]interface {}`);
  return mergeObjects(isJsonObject(document) ? document : {}, patch, schema);
}

function mergeObjects(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  if (Object.hasOwn(patch, directives.patch)) {
    const directive = patch[directives.patch];
    if (directive === "delete") return {};
    if (directive !== "replace") throw unknownDirective(directive, patch);
    const { [directives.patch]: _, ...rest } = patch;
    return rest;
  }
  const out: Record<string, unknown> = retained(original, patch);
  const ordered = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(directives.setElementOrder)) continue;
    const name = listNameOf(key, directives.setElementOrder, "invalid patch format of setElementOrder list");
    ordered.add(name);
    const list = orderedList(out[name], patch[name], patch[key], fieldSchemaOf(schema, name));
    if (list !== undefined) setField(out, name, list);
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (key === directives.retainKeys || key.startsWith(directives.setElementOrder) || ordered.has(key) || value === undefined) continue;
    const isDeletion = key.startsWith(directives.deleteFromPrimitiveList);
    const name = isDeletion ? listNameOf(key, directives.deleteFromPrimitiveList, "invalid patch format of primitive list") : key;
    const current = Object.hasOwn(out, name) ? out[name] : undefined;
    if (value === null) delete out[name];
    else if (!sameKind(current, value)) {
      if (!isDeletion) setField(out, name, withoutDirectives(value));
    } else if (isJsonObject(current) && isJsonObject(value)) {
      const field = fieldSchemaOf(schema, name);
      setField(out, name, strategyOf(field) === "replace" ? value : mergeObjects(current, value, field));
    } else if (Array.isArray(current) && Array.isArray(value)) {
      const field = fieldSchemaOf(schema, name);
      setField(out, name, strategyOf(field) === "merge" ? mergeLists(current, value, { ...listMerge(field), isDeletion }) : value);
    } else setField(out, name, value);
  }
  return out;
}

const sameKind = (a: unknown, b: unknown): boolean => a !== undefined && a !== null && typeof a === typeof b && Array.isArray(a) === Array.isArray(b);

/** What `$retainKeys` leaves of an object; a copy of all of it when there is none. */
function retained(original: JsonObject, patch: JsonObject): Record<string, unknown> {
  if (!Object.hasOwn(patch, directives.retainKeys)) return { ...original };
  const list = patch[directives.retainKeys];
  if (!Array.isArray(list)) throw badRequest("invalid patch format of retainKeys");
  const keys = new Set<unknown>(list);
  for (const key of Object.keys(patch)) {
    const isDirective = key === directives.retainKeys || key.startsWith(directives.deleteFromPrimitiveList) || key.startsWith(directives.setElementOrder);
    if (!isDirective && patch[key] !== null && !keys.has(key)) throw unprocessable("patch content doesn't match the retainKeys list");
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.has(key)));
}

function listNameOf(key: string, prefix: string, malformed: string): string {
  if (key.charAt(prefix.length) !== "/") throw badRequest(malformed);
  return key.slice(prefix.length + 1);
}

/** A list merged and put in the order of `$setElementOrder`, then of the live list; undefined when there is none. */
function orderedList(current: unknown, patch: unknown, order: unknown, field: Schema | undefined): readonly unknown[] | undefined {
  if (!Array.isArray(order)) throw wrongKind("[]interface {}", order);
  if (current !== undefined && !Array.isArray(current)) throw wrongKind("[]interface {}", current);
  if (patch !== undefined && !Array.isArray(patch)) throw wrongKind("[]interface {}", patch);
  const live = current as readonly unknown[] | undefined;
  const changes = patch as readonly unknown[] | undefined;
  if (live === undefined && changes === undefined) return undefined;
  if (strategyOf(field) !== "merge") return changes ?? live;
  return mergeLists(live ?? [], changes ?? [], { ...listMerge(field), order: order as readonly unknown[], isDeletion: false });
}

function listMerge(field: Schema | undefined): ListMerge {
  const items = field?.items;
  return { mergeKey: field?.patchMergeKey ?? "", merge: (original, patch) => mergeObjects(original, patch, items) };
}

function wrongKind(expected: string, actual: unknown): StatusError {
  const kind =
    actual === null
      ? "<nil>"
      : Array.isArray(actual)
        ? "[]interface {}"
        : isJsonObject(actual)
          ? "map[string]interface {}"
          : typeof actual === "number"
            ? "float64"
            : typeof actual === "boolean"
              ? "bool"
              : "string";
  return failure("", `expected a ${expected}, but received a ${kind}`);
}
