import { badRequest } from "../status-error.ts";
import { isJsonObject, setField, type JsonObject } from "./json-value.ts";

/**
 * RFC 7386: null removes, objects merge, all else replaces. Neither input is changed; the result shares what was not
 * touched. Throws 400 when the patch is no object. @upstream gopkg.in/evanphx/json-patch.v4 merge.go
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) throw badRequest("Invalid JSON Patch");
  return merge(document, patch);
}

function merge(current: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return withoutNulls(patch);
  if (!isJsonObject(current)) return withoutNulls(patch);
  const out: Record<string, unknown> = { ...current };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === undefined) continue;
    if (value === null) delete out[key];
    else setField(out, key, Object.hasOwn(current, key) ? merge(current[key], value) : withoutNulls(value));
  }
  return out;
}

/** What is added has no nulls in its objects; lists keep theirs. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) if (value[key] !== null && value[key] !== undefined) setField(out, key, withoutNulls(value[key]));
  return out;
}

/** The smallest patch that makes `to` of `from`. */
export function createMergePatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key) || to[key] === undefined) setField(patch, key, null);
  for (const key of Object.keys(to)) {
    const [before, after] = [Object.hasOwn(from, key) ? from[key] : undefined, to[key]];
    if (after === undefined) continue;
    if (isJsonObject(before) && isJsonObject(after)) {
      const inner = createMergePatch(before, after);
      if (Object.keys(inner).length > 0) setField(patch, key, inner);
    } else if (JSON.stringify(before) !== JSON.stringify(after)) setField(patch, key, after);
  }
  return patch;
}
