import { itemsOf } from "./prune.ts";
import { isEmbedded, isRecord, keepsUnknown, objectFields, type Structural } from "./structural.ts";

/** Whether pruning and filling defaults in would leave a value as it is. PERF: it nearly always would; this allocates nothing. */
export function isSound(value: unknown, schema: Structural | undefined, isObject: boolean): boolean {
  if (schema === undefined || typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items === undefined) return true;
    const embedded = isEmbedded(items);
    return value.every((item) => isSound(item, items, embedded));
  }
  if (!isRecord(value)) return true;
  const { properties, additionalProperties: extra } = schema;
  for (const name in value) {
    if (isObject && objectFields.has(name)) continue;
    const known = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) {
      if (value[name] === null && known.nullable !== true && known.default !== undefined) return false;
      if (!isSound(value[name], known, isEmbedded(known))) return false;
    } else if (typeof extra === "object") {
      if (!isSound(value[name], extra, isEmbedded(extra))) return false;
    } else if (!keepsUnknown(schema) && extra !== true) return false;
  }
  for (const name in properties) if (properties[name]?.default !== undefined && value[name] === undefined) return false;
  return true;
}
