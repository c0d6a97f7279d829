import { goText, isJsonObject } from "../patch/json-value.ts";
import type { Schema } from "../schema.ts";
import { pathText } from "./fields-v1.ts";
import { fieldOf, itemPart, shapeOf } from "./shape.ts";

const maxFaults = 100;

/** What does not fit the schema: `.spec.foo: field not declared in schema`. @upstream structured-merge-diff typed/validate.go */
export function configFaults(config: unknown, schema: Schema): string[] {
  const faults: string[] = [];
  check(config, schema, [], faults);
  return faults;
}

/** One fault as it is, several below each other. */
export function faultsText(faults: readonly string[]): string {
  return faults.length === 1 ? (faults[0] ?? "") : ["errors:", ...faults.map((fault) => `  ${fault}`)].join("\n");
}

function check(value: unknown, schema: Schema, path: readonly string[], faults: string[]): void {
  if (faults.length >= maxFaults || value === null || value === undefined || schema.type === "any") return;
  const fail = (text: string, at: readonly string[] = path): void => {
    faults.push(at.length === 0 ? text : `${pathText(at)}: ${text}`);
  };
  switch (schema.type) {
    case "array":
      if (Array.isArray(value)) checkItems(value, schema, path, faults);
      else fail(`expected list, got ${shown(value)}`);
      return;
    case "object":
    case "map":
      if (!isJsonObject(value)) {
        fail(`expected map, got ${shown(value)}`);
        return;
      }
      for (const key of Object.keys(value)) {
        const field = fieldOf(schema, key);
        const at = [...path, `f:${key}`];
        if (field.schema !== undefined) check(value[key], field.schema, at, faults);
        else if (schema.preserveUnknownFields !== true && schema.type === "object") fail("field not declared in schema", at);
      }
      return;
    case "boolean":
      if (typeof value !== "boolean") fail(`expected boolean, got ${shown(value)}`);
      return;
    case "int32":
    case "int64":
    case "double":
      if (typeof value !== "number") fail(`expected numeric (int or float), got ${shown(value)}`);
      return;
    case "quantity":
    case "int-or-string":
      if (typeof value === "object") fail(`expected scalar, got ${shown(value)}`);
      return;
    default:
      if (typeof value !== "string") fail(`expected string, got ${shown(value)}`);
  }
}

function checkItems(list: readonly unknown[], schema: Schema, path: readonly string[], faults: string[]): void {
  const isKeyed = shapeOf(schema, list) === "list";
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const part = isKeyed ? itemPart(schema, item) : `i:${index}`;
    if (typeof part !== "string") {
      faults.push(`${pathText(path)}: element ${index}: ${part.text}`);
      continue;
    }
    if (seen.has(part)) faults.push(`${pathText(path)}: duplicate entries for key ${pathText([part])}`);
    seen.add(part);
    if (schema.items !== undefined) check(item, schema.items, [...path, part], faults);
  }
}

/** A value as Go prints the decoded JSON in these messages. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return isJsonObject(value) ? `&{${goText(value)}}` : Array.isArray(value) ? `&${goText(value)}` : `&{${String(value as number | boolean)}}`;
}
