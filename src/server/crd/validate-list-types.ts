import type { FieldError } from "../../meta/status-error.ts";
import { isRecord, type Structural } from "./structural.ts";

/** Items of sets and of keyed lists that are there twice. @upstream apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go */
export function* validateListTypes(value: unknown, schema: Structural, path = ""): Iterable<FieldError> {
  if (Array.isArray(value)) {
    const listType = schema["x-kubernetes-list-type"];
    if (listType === "set") yield* duplicates(value, path);
    else if (listType === "map") yield* duplicates(value.map(keysOf(schema)), path);
    const { items } = schema;
    if (items !== undefined) for (const [index, item] of value.entries()) yield* validateListTypes(item, items, `${path}[${index}]`);
    return;
  }
  if (!isRecord(value)) return;
  const { properties = {}, additionalProperties } = schema;
  for (const [name, item] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) yield* validateListTypes(item, properties[name] ?? {}, path === "" ? name : `${path}.${name}`);
    else if (typeof additionalProperties === "object") yield* validateListTypes(item, additionalProperties, `${path}[${name}]`);
  }
}

/** What tells an item from others: its keys, with their defaults where it has none. */
function keysOf(schema: Structural): (item: unknown) => unknown {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const defaults = schema.items?.properties ?? {};
  return (item) => (isRecord(item) ? Object.fromEntries(keys.map((key) => [key, item[key] ?? defaults[key]?.default])) : item);
}

function* duplicates(items: readonly unknown[], path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  const told = new Set<string>();
  for (const [index, item] of items.entries()) {
    const text = canonical(item);
    if (seen.has(text) && !told.has(text)) {
      told.add(text);
      yield { type: "FieldValueDuplicate", field: `${path}[${index}]`, value: item };
    }
    seen.add(text);
  }
}

/** The same text for equal values, whatever the order of their fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? "";
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
    .join()}}`;
}
