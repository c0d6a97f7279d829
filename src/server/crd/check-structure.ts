import { compileRe2 } from "../../meta/cel/re2/re2.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { hasUnknown } from "./prune.ts";
import { isEmbedded, isIntOrString, keepsUnknown, type Structural } from "./structural.ts";
import { checkRuleForm } from "./check-rule-form.ts";
import { checkSchemaRules } from "./check-rules.ts";
import { validateValue } from "./validate-value.ts";

const unsupported = ["$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id", "$schema"] as const;
const types = ["array", "boolean", "integer", "number", "object", "string"];
const junctors = ["allOf", "anyOf", "oneOf"] as const;

/** What is wrong with a version's schema: structure, patterns, defaults, rules. @upstream apiextensions-apiserver/pkg/apiserver/schema/validation.go */
export function* checkSchema(schema: Structural, path: FieldPath): Iterable<FieldError> {
  const faults = [...checkShape(schema, path)];
  yield* faults;
  // What rules would be told of a schema that is wrong helps nobody.
  if (faults.length === 0) yield* checkSchemaRules(schema, path);
}

function* checkShape(schema: Structural, path: FieldPath): Iterable<FieldError> {
  if (schema.type === undefined || schema.type === "") yield path.child("type").required("must not be empty at the root");
  else if (schema.type !== "object") yield path.child("type").invalid(schema.type, "must be object at the root");
  if (schema.nullable === true) yield path.child("nullable").forbidden("nullable cannot be true at the root");
  yield* checkMetadata(schema, path);
  yield* checkLevel(schema, path, "root");
}

function* checkMetadata({ properties }: Structural, path: FieldPath): Iterable<FieldError> {
  const names = Object.keys(properties?.["metadata"]?.properties ?? {});
  if (names.some((name) => name !== "name" && name !== "generateName"))
    yield path.child("properties").key("metadata").forbidden("must not specify anything other than name and generateName, but metadata is implicitly specified");
}

function* checkLevel(schema: Structural, path: FieldPath, place: "root" | "field" | "item" | "value"): Iterable<FieldError> {
  for (const key of unsupported) if (schema[key] !== undefined) yield path.child(key).forbidden(`${key} is not supported`);
  if (schema.uniqueItems === true) yield path.child("uniqueItems").forbidden("uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  if (schema.additionalProperties === false) yield path.child("additionalProperties").forbidden("additionalProperties cannot be set to false");
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false && schema.properties !== undefined && Object.keys(schema.properties).length > 0)
    yield path.child("additionalProperties").forbidden("additionalProperties and properties are mutual exclusive");
  yield* checkType(schema, path, place);
  yield* checkExtensions(schema, path);
  yield* checkPattern(schema, path);
  yield* checkDefault(schema, path);
  for (const [index, rule] of (schema["x-kubernetes-validations"] ?? []).entries()) yield* checkRuleForm(rule, schema, path.child("x-kubernetes-validations").index(index));
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* checkLevel(property, path.child("properties").key(name), "field");
  if (typeof schema.additionalProperties === "object") yield* checkLevel(schema.additionalProperties, path.child("additionalProperties"), "value");
  if (schema.items !== undefined) yield* checkLevel(schema.items, path.child("items"), "item");
  for (const junctor of junctors) for (const [index, part] of (schema[junctor] ?? []).entries()) yield* checkNested(part as Structural, schema, path.child(junctor).index(index));
  if (schema.not !== undefined) yield* checkNested(schema.not as Structural, schema, path.child("not"));
}

const placeTexts = {
  root: "",
  field: "must not be empty for specified object fields",
  item: "must not be empty for specified array items",
  value: "must not be empty for specified object fields",
};

function* checkType(schema: Structural, path: FieldPath, place: keyof typeof placeTexts): Iterable<FieldError> {
  const { type = "" } = schema;
  if (isIntOrString(schema)) {
    if (type !== "") yield path.child("type").forbidden("must be empty if x-kubernetes-int-or-string is true");
    return;
  }
  if (type === "") {
    if (place !== "root" && !keepsUnknown(schema)) yield path.child("type").required(placeTexts[place]);
  } else if (!types.includes(type)) yield path.child("type").notSupported(type, types);
  if (type === "array" && schema.items === undefined) yield path.child("items").required("must be specified");
  if (type !== "" && type !== "object" && schema.properties !== undefined) yield path.child("type").invalid(type, "must be object if properties is specified");
  if (type !== "" && type !== "array" && schema.items !== undefined) yield path.child("type").invalid(type, "must be array if items is specified");
}

function* checkExtensions(schema: Structural, path: FieldPath): Iterable<FieldError> {
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) yield path.child("x-kubernetes-preserve-unknown-fields").invalid(false, "must be true or undefined");
  if (isEmbedded(schema)) {
    if (schema.type !== "object") yield wrongType(schema, path, "must be object if x-kubernetes-embedded-resource is true");
    if (schema.additionalProperties !== undefined) yield path.child("additionalProperties").forbidden("must not be used if x-kubernetes-embedded-resource is set");
    if (!keepsUnknown(schema) && Object.keys(schema.properties ?? {}).length === 0)
      yield path.child("properties").required("must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
  }
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType !== undefined) {
    if (schema.type !== "object") yield wrongType(schema, path, "must be object if x-kubernetes-map-type is specified");
    if (mapType !== "atomic" && mapType !== "granular") yield path.child("x-kubernetes-map-type").notSupported(mapType, ["atomic", "granular"]);
  }
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (listType !== undefined) {
    if (schema.type !== "array") yield wrongType(schema, path, "must be array if x-kubernetes-list-type is specified");
    if (!["atomic", "set", "map"].includes(listType)) yield path.child("x-kubernetes-list-type").notSupported(listType, ["atomic", "set", "map"]);
  }
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    yield listType === undefined ? path.child("x-kubernetes-list-type").required(detail) : path.child("x-kubernetes-list-type").invalid(listType, detail);
  }
  yield* checkItems(schema, path);
  if (listType !== "map") return;
  if (keys.length === 0) yield path.child("x-kubernetes-list-map-keys").required("must not be empty if x-kubernetes-list-type is map");
  const { items } = schema;
  if (items === undefined) yield path.child("items").required("must have a schema if x-kubernetes-list-type is map");
  else if (items.type !== "object") yield path.child("items", "type").invalid(items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map");
  else yield* checkKeys(items, keys, path);
}

const wrongType = ({ type = "" }: Structural, path: FieldPath, detail: string): FieldError =>
  type === "" ? path.child("type").required(detail) : path.child("type").invalid(type, detail);

/** What is told apart by its value or its keys must not be merged inside, nor be null. */
function* checkItems(schema: Structural, path: FieldPath): Iterable<FieldError> {
  const listType = schema["x-kubernetes-list-type"];
  const { items } = schema;
  if (items === undefined || (listType !== "set" && listType !== "map")) return;
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const innerList = items["x-kubernetes-list-type"];
  const innerMap = items["x-kubernetes-map-type"];
  if (listType === "set" && items.type === "array" && innerList !== undefined && innerList !== "atomic")
    yield path.child("items", "x-kubernetes-list-type").invalid(innerList, detail);
  if (listType === "set" && items.type === "object" && innerMap !== "atomic") yield path.child("items", "x-kubernetes-map-type").invalid(innerMap ?? null, detail);
  if (items.nullable === true) yield path.child("items", "nullable").forbidden(`cannot be nullable when x-kubernetes-list-type is ${listType}`);
}

function* checkKeys(items: Structural, keys: readonly string[], path: FieldPath): Iterable<FieldError> {
  const at = path.child("x-kubernetes-list-map-keys");
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    const place = path.child("items", "properties").key(key);
    if (property === undefined) yield at.invalid(keys, "entries must all be names of item properties");
    else {
      if (property.type === "array" || property.type === "object")
        yield place.child("type").invalid(items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
      if (property.default === undefined && items.required?.includes(key) !== true)
        yield place.child("default").required("this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
      if (property.nullable === true) yield place.child("nullable").forbidden("this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
    if (keys.indexOf(key) < index) yield at.invalid(keys, "must not contain duplicate entries");
  }
}

function* checkPattern({ pattern }: Structural, path: FieldPath): Iterable<FieldError> {
  if (pattern === undefined || pattern === "") return;
  const compiled = compileRe2(pattern);
  if (typeof compiled === "string") yield path.child("pattern").invalid(pattern, `must be a valid regular expression, but isn't: ${compiled}`);
}

function* checkDefault(schema: Structural, path: FieldPath): Iterable<FieldError> {
  const value = schema.default;
  if (value === undefined) return;
  const at = path.child("default");
  if (hasUnknown(value, schema)) yield at.invalid(value, "must not have unknown fields");
  yield* validateValue(value, schema, { path: at.toString() });
}

/** Below a combination only what restricts values may stand, of fields that are known outside of it. */
function* checkNested(part: Structural, outer: Structural, path: FieldPath): Iterable<FieldError> {
  for (const key of ["type", "default", "title", "description", "nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const) {
    const given = part[key];
    if (given === undefined || given === "" || given === false) continue;
    // The one way to say what int-or-string means.
    if (key === "type" && isIntOrString(outer)) continue;
    yield path.child(key).forbidden("must be empty to be structural");
  }
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const known = outer.properties?.[name];
    const at = path.child("properties").key(name);
    if (known === undefined && typeof outer.additionalProperties !== "object")
      yield new FieldPath(path.toString().replace(/\.(?:(?:allOf|anyOf|oneOf)\[\d+\]|not)$/, ""))
        .child("properties")
        .key(name)
        .required(`because it is defined in ${at.toString()}`);
    else yield* checkNested(property, known ?? {}, at);
  }
}
