import { clone } from "../../base/values.ts";
import { isRecord, type Structural } from "./structural.ts";

/** Fills in the defaults of a structural schema, in place; a null where null is not allowed gives way to a default. @upstream apiextensions-apiserver/pkg/apiserver/schema/defaulting */
export function applyDefaults(value: unknown, schema: Structural): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (value[name] === null && property.nullable !== true && property.default !== undefined) delete value[name];
    if (value[name] === undefined && property.default !== undefined) value[name] = clone(property.default);
    if (value[name] !== undefined) applyDefaults(value[name], property as Structural);
  }
  const extra = schema.additionalProperties;
  if (typeof extra !== "object") return;
  for (const [name, item] of Object.entries(value)) if (schema.properties?.[name] === undefined) applyDefaults(item, extra);
}
