import { deepEqual } from "../../base/values.ts";
import { compileRe2 } from "../../meta/cel/re2/re2.ts";
import type { FieldError, FieldErrorType } from "../../meta/status-error.ts";
import { isIntOrString, isRecord, type Structural } from "./structural.ts";
import { fitsFormat } from "./text-formats.ts";

/** Where a value stands, and what stood there before; `before` is undefined when nothing did, or nobody knows. */
export interface Place {
  readonly path?: string;
  readonly before?: unknown;
}

/**
 * A custom object's fields against its schema, in the words of upstream's validator. What has not changed is let be,
 * however wrong it is. @upstream kube-openapi/pkg/validation/validate, apiextensions-apiserver/pkg/apiserver/validation/ratcheting.go
 */
export function* validateValue(value: unknown, schema: Structural, { path = "", before }: Place = {}): Iterable<FieldError> {
  if (before === undefined) {
    yield* validateAnew(value, schema, { path });
    return;
  }
  const errors = [...validateAnew(value, schema, { path, before })];
  if (errors.length > 0 && !deepEqual(value, before)) yield* errors;
}

function* validateAnew(value: unknown, schema: Structural, place: Required<Pick<Place, "path">> & Place): Iterable<FieldError> {
  const { path } = place;
  if (value === null && schema.nullable === true) return;
  const wrongType = typeProblem(value, schema, path);
  if (wrongType !== undefined) {
    yield wrongType;
    return;
  }
  yield* validateEnum(value, schema, path);
  if (typeof value === "string") yield* validateText(value, schema, path);
  else if (typeof value === "number") yield* validateNumber(value, schema, path);
  else if (Array.isArray(value)) yield* validateList(value, schema, place);
  else if (isRecord(value)) yield* validateObject(value, schema, place);
  yield* validateCombinations(value, schema, path);
}

/** The former items by their keys; those of other lists are not known to be the same. */
function formerItems(schema: Structural, before: unknown): ((item: unknown) => unknown) | undefined {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(before)) return undefined;
  const idOf = (item: unknown): string => JSON.stringify(isRecord(item) ? keys.map((key) => item[key]) : item);
  const known = new Map(before.map((item: unknown) => [idOf(item), item]));
  return (item) => known.get(idOf(item));
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
  if (format !== undefined && !fitsFormat(value, format)) yield error(path, value, `${inBody(path)} must be of type ${format}: ${JSON.stringify(value)}`);
}

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

function* validateList(value: readonly unknown[], schema: Structural, { path = "", before }: Place): Iterable<FieldError> {
  const { maxItems, minItems, items, uniqueItems } = schema;
  if (maxItems !== undefined && value.length > maxItems) yield { type: "FieldValueTooMany", field: path, value: value.length, detail: `must have at most ${maxItems} items` };
  if (minItems !== undefined && value.length < minItems) yield error(path, value.length, `${inBody(path)} should have at least ${minItems} items`);
  if (uniqueItems === true && value.some((item, index) => value.slice(0, index).some((other) => deepEqual(item, other))))
    yield error(path, "", `${inBody(path)} shouldn't contain duplicates`);
  if (items === undefined) return;
  const former = formerItems(schema, before);
  for (const [index, item] of value.entries()) yield* validateValue(item, items, { path: `${path}[${index}]`, before: former?.(item) });
}

function* validateObject(value: Record<string, unknown>, schema: Structural, { path = "", before }: Place): Iterable<FieldError> {
  const { maxProperties, minProperties, required = [], properties = {}, additionalProperties } = schema;
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const size = Object.keys(value).length;
  if (maxProperties !== undefined && size > maxProperties) yield { type: "FieldValueTooMany", field: path, value: size, detail: `must have at most ${maxProperties} items` };
  if (minProperties !== undefined && size < minProperties) yield error(path, size, `${inBody(path)} should have at least ${minProperties} properties`);
  for (const name of required) if (!Object.hasOwn(value, name)) yield { type: "FieldValueRequired", field: at(name), value: "", detail: "" };
  for (const [name, item] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : typeof additionalProperties === "object" ? additionalProperties : undefined;
    if (known !== undefined) yield* validateValue(item, known, { path: at(name), before: isRecord(before) && Object.hasOwn(before, name) ? before[name] : undefined });
  }
}

function* validateCombinations(value: unknown, { allOf = [], anyOf = [], oneOf = [], not }: Structural, path: string): Iterable<FieldError> {
  const passes = (schema: Structural): boolean => [...validateValue(value, schema, { path })].length === 0;
  for (const schema of allOf) yield* validateValue(value, schema as Structural, { path });
  if (anyOf.length > 0 && !anyOf.some((schema) => passes(schema as Structural))) yield error(path, "", `${JSON.stringify(path)} must validate at least one schema (anyOf)`);
  if (oneOf.length > 0) {
    const count = oneOf.filter((schema) => passes(schema as Structural)).length;
    if (count !== 1) yield error(path, "", `${JSON.stringify(path)} must validate one and only one schema (oneOf). Found ${count === 0 ? "none" : count} valid`);
  }
  if (not !== undefined && passes(not as Structural)) yield error(path, "", `${JSON.stringify(path)} must not validate the schema (not)`);
}
