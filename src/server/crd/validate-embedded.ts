import { FieldPath } from "../../meta/field-path.ts";
import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, validateObjectMeta } from "../../meta/validation.ts";
import { isEmbedded, isRecord, type Structural } from "./structural.ts";

/** Whole objects inside a custom object have a type and metadata like any other. @upstream apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go */
export function* validateEmbedded(value: unknown, schema: Structural, path = ""): Iterable<FieldError> {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, item] of value.entries()) yield* within(item, items, `${path}[${index}]`);
    return;
  }
  if (!isRecord(value)) return;
  const { properties = {}, additionalProperties } = schema;
  for (const [name, item] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) yield* within(item, properties[name] ?? {}, path === "" ? name : `${path}.${name}`);
    else if (typeof additionalProperties === "object") yield* within(item, additionalProperties, `${path}[${name}]`);
  }
}

function* within(value: unknown, schema: Structural, path: string): Iterable<FieldError> {
  if (isEmbedded(schema) && isRecord(value)) yield* validateObject(value, new FieldPath(path));
  yield* validateEmbedded(value, schema, path);
}

function* validateObject(value: Record<string, unknown>, path: FieldPath): Iterable<FieldError> {
  const { apiVersion, kind, metadata } = value;
  for (const [field, found] of [
    ["apiVersion", apiVersion],
    ["kind", kind],
  ] as const) {
    const at = path.child(field);
    if (found === undefined) yield at.required("must not be empty");
    else if (typeof found !== "string") yield at.invalid(found, "must be a string");
    else if (found === "") yield at.invalid(found, "must not be empty");
  }
  if (typeof apiVersion === "string" && apiVersion.split("/").length > 2) yield path.child("apiVersion").invalid(apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  if (typeof kind === "string" && kind !== "") {
    const faults = dns1035LabelErrors(kind.toLowerCase());
    if (faults.length > 0) yield path.child("kind").invalid(kind, `may have mixed case, but should otherwise match: ${faults.join(",")}`);
  }
  if (!isRecord(metadata)) return;
  const meta = metadata as ObjectMeta;
  // Embedded objects need no name yet.
  const named = (meta.name ?? "") === "" ? { ...meta, name: "fakename" } : meta;
  yield* validateObjectMeta(named, { nameRule: "path-segment", namespaced: (meta.namespace ?? "") !== "", path: path.child("metadata") });
}
