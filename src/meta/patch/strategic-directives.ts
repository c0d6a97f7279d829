import type { Schema } from "../schema.ts";
import { failure, type StatusError } from "../status-error.ts";
import { goText, isJsonObject, setField, type JsonObject } from "./json-value.ts";

/** Keys of a strategic merge patch that are no fields. The last two are followed by `/` and the list's name. */
export const directives = { patch: "$patch", retainKeys: "$retainKeys", deleteFromPrimitiveList: "$deleteFromPrimitiveList", setElementOrder: "$setElementOrder" } as const;

export const unknownDirective = (directive: unknown, patch: JsonObject): StatusError => failure("", `unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);

/** `merge`, `replace` or nothing; `retainKeys` only tells clients to send that directive. */
export function strategyOf(schema: Schema | undefined): string {
  return schema?.patchStrategy?.find((strategy) => strategy !== "retainKeys") ?? "";
}

/** The schema of a field that is looked into; throws as upstream does for a field that the kind does not have. */
export function fieldSchemaOf(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema === undefined || schema.type === "any" || schema.preserveUnknownFields === true) return schema?.fields?.[name];
  if (schema.type === "map") return schema.items;
  const field = schema.fields !== undefined && Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
  if (field === undefined) {
    const struct = schema.name === undefined ? "" : schema.name.slice(schema.name.lastIndexOf(".") + 1);
    throw failure("", `unable to find api field in struct ${struct} for the json field ${JSON.stringify(name)}`);
  }
  return field;
}

/** A value that is added as it stands: directives, nulls and items marked for deletion mean nothing in it. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept = value.filter((item) => !isJsonObject(item) || item[directives.patch] !== "delete");
    return kept.filter((item) => !isJsonObject(item) || item[directives.patch] !== "replace" || Object.keys(item).length > 1).map(withoutDirectives);
  }
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, directives.patch)) {
    const directive = value[directives.patch];
    if (directive === "delete") return {};
    if (directive !== "replace") throw unknownDirective(directive, value);
  }
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const isDirective =
      key === directives.patch || key === directives.retainKeys || key.startsWith(directives.deleteFromPrimitiveList) || key.startsWith(directives.setElementOrder);
    if (!isDirective && value[key] !== null && value[key] !== undefined) setField(out, key, withoutDirectives(value[key]));
  }
  return out;
}
