import { deepEqual } from "../../base/values.ts";
import { compileRe2 } from "../../meta/cel/re2/re2.ts";
import { parseCidr, parseIp } from "../../meta/ip.ts";
import type { FieldError, FieldErrorType } from "../../meta/status-error.ts";
import { isIntOrString, isRecord, type Structural } from "./structural.ts";

/** A custom object's fields against its schema, in the words of upstream's validator. @upstream kube-openapi/pkg/validation/validate */
export function* validateValue(value: unknown, schema: Structural, path = ""): Iterable<FieldError> {
  if (value === null && schema.nullable === true) return;
  const wrongType = typeProblem(value, schema, path);
  if (wrongType !== undefined) {
    yield wrongType;
    return;
  }
  yield* validateEnum(value, schema, path);
  if (typeof value === "string") yield* validateText(value, schema, path);
  else if (typeof value === "number") yield* validateNumber(value, schema, path);
  else if (Array.isArray(value)) yield* validateList(value, schema, path);
  else if (isRecord(value)) yield* validateObject(value, schema, path);
  yield* validateCombinations(value, schema, path);
}

const error = (path: string, value: unknown, detail: string, type: FieldErrorType = "FieldValueInvalid"): FieldError => ({
  type,
  field: path === "" ? "<nil>" : path,
  value,
  detail,
});
const inBody = (path: string): string => `${path} in body`;

function typeProblem(value: unknown, schema: Structural, path: string): FieldError | undefined {
  const actual = value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value;
  if (isIntOrString(schema))
    return actual === "integer" || actual === "string"
      ? undefined
      : error(path, actual, `${inBody(path)} must be of type integer,string: ${JSON.stringify(actual)}`, "FieldValueTypeInvalid");
  const wanted = schema.type ?? "";
  if (wanted === "" || wanted === actual || (wanted === "number" && actual === "integer")) return undefined;
  return error(path, actual, `${inBody(path)} must be of type ${wanted}: ${JSON.stringify(actual)}`, "FieldValueTypeInvalid");
}

function* validateEnum(value: unknown, schema: Structural, path: string): Iterable<FieldError> {
  const choices = schema.enum ?? [];
  if (choices.length === 0 || choices.some((choice) => deepEqual(choice, value))) return;
  yield { type: "FieldValueNotSupported", field: path, value, detail: `supported values: ${choices.map((choice) => JSON.stringify(choice)).join(", ")}` };
}

/** A pattern is looked for anywhere in the text; one that is no regular expression is not checked. */
function matches(pattern: string, value: string): boolean {
  const compiled = compileRe2(pattern);
  return typeof compiled === "string" || compiled.test(value);
}

function* validateText(value: string, { maxLength, minLength, pattern, format }: Structural, path: string): Iterable<FieldError> {
  const length = Array.from(value).length;
  if (maxLength !== undefined && length > maxLength) yield { type: "FieldValueTooLong", field: path, value, detail: `may not be more than ${maxLength} bytes` };
  if (minLength !== undefined && length < minLength) yield error(path, value, `${inBody(path)} should be at least ${minLength} chars long`);
  if (pattern !== undefined && pattern !== "" && !matches(pattern, value)) yield error(path, value, `${inBody(path)} should match '${pattern}'`);
  const check = format === undefined ? undefined : formats[format];
  if (check !== undefined && !check(value)) yield error(path, value, `${inBody(path)} must be of type ${format}: ${JSON.stringify(value)}`);
}

const formats: Readonly<Record<string, ((text: string) => boolean) | undefined>> = {
  "date-time": (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) => text.length <= 253 && /^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.?)+$/.test(text),
  ipv4: (text) => parseIp(text)?.family === 4 && !text.includes(":"),
  ipv6: (text) => text.includes(":") && parseIp(text) !== undefined,
  cidr: (text) => parseCidr(text) !== undefined,
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0,
  duration: (text) => /^[+-]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+$|^0$/.test(text.replaceAll(" ", "")),
  uri: (text) => /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) || text.startsWith("/"),
};

function* validateNumber(value: number, schema: Structural, path: string): Iterable<FieldError> {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf, format } = schema;
  if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum))
    yield error(path, value, `${inBody(path)} should be less than ${exclusiveMaximum === true ? "" : "or equal to "}${maximum}`);
  if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum))
    yield error(path, value, `${inBody(path)} should be greater than ${exclusiveMinimum === true ? "" : "or equal to "}${minimum}`);
  if (multipleOf !== undefined && multipleOf > 0 && Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9)
    yield error(path, value, `${inBody(path)} should be a multiple of ${multipleOf}`);
  if (format === "int32" && (value > 2147483647 || value < -2147483648)) yield error(path, value, `${inBody(path)} must be of type int32: "${value}"`);
}

function* validateList(value: readonly unknown[], schema: Structural, path: string): Iterable<FieldError> {
  const { maxItems, minItems, items, uniqueItems } = schema;
  if (maxItems !== undefined && value.length > maxItems) yield { type: "FieldValueTooMany", field: path, value: value.length, detail: `must have at most ${maxItems} items` };
  if (minItems !== undefined && value.length < minItems) yield error(path, value.length, `${inBody(path)} should have at least ${minItems} items`);
  const listType = schema["x-kubernetes-list-type"];
  if (uniqueItems === true || listType === "set" || listType === "map")
    yield* validateUnique(value, listType === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : undefined, path);
  if (items === undefined) return;
  for (const [index, item] of value.entries()) yield* validateValue(item, items, `${path}[${index}]`);
}

function* validateUnique(value: readonly unknown[], keys: readonly string[] | undefined, path: string): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const id = keys === undefined || !isRecord(item) ? item : Object.fromEntries(keys.map((key) => [key, item[key]]));
    const text = JSON.stringify(id);
    if (seen.has(text)) yield { type: "FieldValueDuplicate", field: `${path}[${index}]`, value: id };
    seen.add(text);
  }
}

function* validateObject(value: Record<string, unknown>, schema: Structural, path: string): Iterable<FieldError> {
  const { maxProperties, minProperties, required = [], properties = {}, additionalProperties } = schema;
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const size = Object.keys(value).length;
  if (maxProperties !== undefined && size > maxProperties) yield { type: "FieldValueTooMany", field: path, value: size, detail: `must have at most ${maxProperties} items` };
  if (minProperties !== undefined && size < minProperties) yield error(path, size, `${inBody(path)} should have at least ${minProperties} properties`);
  for (const name of required) if (value[name] === undefined) yield { type: "FieldValueRequired", field: at(name), value: "", detail: "" };
  for (const [name, item] of Object.entries(value)) {
    const property = properties[name] as Structural | undefined;
    if (property !== undefined) yield* validateValue(item, property, at(name));
    else if (typeof additionalProperties === "object") yield* validateValue(item, additionalProperties, at(name));
  }
}

function* validateCombinations(value: unknown, { allOf = [], anyOf = [], oneOf = [], not }: Structural, path: string): Iterable<FieldError> {
  const passes = (schema: Structural): boolean => [...validateValue(value, schema, path)].length === 0;
  for (const schema of allOf) yield* validateValue(value, schema as Structural, path);
  if (anyOf.length > 0 && !anyOf.some((schema) => passes(schema as Structural))) yield error(path, "", `${JSON.stringify(path)} must validate at least one schema (anyOf)`);
  if (oneOf.length > 0) {
    const count = oneOf.filter((schema) => passes(schema as Structural)).length;
    if (count !== 1) yield error(path, "", `${JSON.stringify(path)} must validate one and only one schema (oneOf). Found ${count === 0 ? "none" : count} valid`);
  }
  if (not !== undefined && passes(not as Structural)) yield error(path, "", `${JSON.stringify(path)} must not validate the schema (not)`);
}
