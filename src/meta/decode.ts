import { canonicalQuantity, QuantityError } from "./quantity.ts";
import type { Schema } from "./schema.ts";
import { badRequest, type StatusError } from "./status-error.ts";
import { canonicalMicroTime, canonicalTime, TimeError } from "./time.ts";

export interface DecodeOptions {
  /** What the document says it is; begins the message of a failure. */
  readonly gvk?: { readonly version: string; readonly kind: string } | undefined;
  /** The kind that is expected, when it is another one. */
  readonly into?: string | undefined;
  /** What is thrown of a value that does not fit; a 400 that begins with the kind when left out. */
  readonly refuse?: ((misfit: Misfit) => StatusError) | undefined;
}
/** Why a document could not be read. */
export interface Misfit {
  /** As Go's JSON decoder says it. */
  readonly why: string;
  /** The value that is of the wrong type, and the type that the schema wants; absent when only its syntax is wrong. */
  readonly wrong?: { readonly value: unknown; readonly type: Schema["type"] } | undefined;
}
export interface Decoded {
  /** A fresh value that shares nothing with the input. */
  readonly value: unknown;
  /** `unknown field "spec.foo[0].bar"`, at most 100: what strict decoding rejects and warnings say. */
  readonly problems: readonly string[];
}

/**
 * Reads parsed JSON as Go's decoder reads it into a typed object: unknown fields and nulls are dropped, quantities and
 * times take their canonical text, names match by case; empty lists and maps go where Go would not write them again. Throws 400 when a value has the wrong type or syntax.
 * @upstream sigs.k8s.io/json, apimachinery/pkg/runtime/serializer/json/json.go
 */
export function decode(schema: Schema, value: unknown, options: DecodeOptions = {}): Decoded {
  const state: State = { unknown: none, failure: undefined };
  const result = read(planOf(schema), value, state);
  if (state.failure !== undefined) {
    const why = failureText(state.failure);
    throw options.refuse?.({ why, wrong: state.failure.wrong }) ?? cannotHandle(why, options);
  }
  return { value: result, problems: state.unknown.map(({ path }) => `unknown field ${JSON.stringify(path)}`) };
}

/** The 400 of strict decoding, for the problems of `decode` and of `duplicateFields`. */
export function strictDecodingError(problems: readonly string[], options: DecodeOptions = {}): StatusError {
  const why = `strict decoding error: ${problems.join(", ")}`;
  return options.refuse?.({ why }) ?? cannotHandle(why, options);
}

/** The 400 of a document that cannot be read. @upstream apiserver/pkg/endpoints/handlers/rest.go transformDecodeError */
export function cannotHandle(why: string, { gvk, into }: DecodeOptions): StatusError {
  if (gvk === undefined) return badRequest(into === undefined ? why : `the object provided is unrecognized (must be of type ${into}): ${why}`);
  return badRequest(`${gvk.kind} in version ${JSON.stringify(gvk.version)} cannot be handled as a ${into ?? gvk.kind}: ${why}`);
}

const maxProblems = 100;
const none: Place[] = [];

/** A path that grows at its front while the walk returns, so that a document without problems builds no path. */
interface Place {
  path: string;
}
/** What Go says of a value of the wrong type, or the text of a value's own parser. */
interface Failure extends Place {
  readonly text: string;
  readonly ofType: string | undefined;
  readonly wrong?: Misfit["wrong"];
  /** The innermost struct, by its Go name. */
  struct: string;
}
interface State {
  unknown: Place[];
  failure: Failure | undefined;
}

function failureText({ text, ofType, struct, path }: Failure): string {
  if (ofType === undefined) return text;
  const place = path === "" ? "Go value" : `Go struct field ${struct}.${path}`;
  return `json: cannot unmarshal ${text} into ${place} of type ${ofType}`;
}

// PERF: the schema as a table: integers for types, one Map per object.
const [STRING, BOOLEAN, INT32, INT64, DOUBLE, BYTES, QUANTITY, TIME, MICROTIME, INT_OR_STRING, ANY, OBJECT, MAP, ARRAY] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
const opOf: { readonly [Type in Schema["type"]]: number | undefined } = {
  string: STRING,
  boolean: BOOLEAN,
  int32: INT32,
  int64: INT64,
  double: DOUBLE,
  bytes: BYTES,
  quantity: QUANTITY,
  time: TIME,
  microtime: MICROTIME,
  "int-or-string": INT_OR_STRING,
  any: ANY,
  object: OBJECT,
  map: MAP,
  array: ARRAY,
};

class Plan {
  readonly op: number;
  readonly schema: Schema;
  readonly omitsEmpty: boolean;
  #fields: Map<string, Plan> | undefined;
  #items: Plan | undefined;

  constructor(schema: Schema) {
    this.schema = schema;
    this.op = opOf[schema.type] ?? -1;
    this.omitsEmpty = schema.omitsEmpty === true;
  }
  get fields(): Map<string, Plan> {
    this.#fields ??= new Map(Object.entries(this.schema.fields ?? {}).map(([name, field]) => [name, planOf(field)]));
    return this.#fields;
  }
  get items(): Plan {
    this.#items ??= planOf(this.schema.items ?? { type: "any" });
    return this.#items;
  }
}

const plans = new WeakMap<Schema, Plan>();
function planOf(schema: Schema): Plan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = new Plan(schema);
    plans.set(schema, plan);
  }
  return plan;
}

function read(plan: Plan, value: unknown, state: State): unknown {
  switch (plan.op) {
    case STRING:
      return typeof value === "string" ? value : wrong(plan, value, state);
    case OBJECT:
      return readObject(plan, value, state);
    case ARRAY:
      return readArray(plan, value, state);
    case MAP:
      return readMap(plan, value, state);
    case BOOLEAN:
      return typeof value === "boolean" ? value : wrong(plan, value, state);
    case INT32:
      return typeof value === "number" && (value | 0) === value ? value : wrong(plan, value, state);
    case INT64:
      return typeof value === "number" && Number.isInteger(value) && value >= -0x8000000000000000 && value < 0x8000000000000000 ? value : wrong(plan, value, state);
    case DOUBLE:
      return typeof value === "number" ? value : wrong(plan, value, state);
    case INT_OR_STRING:
      return typeof value === "string" || (typeof value === "number" && (value | 0) === value) ? value : wrong(plan, value, state);
    case ANY:
      return copyAny(value);
    default:
      return readText(plan, value, state);
  }
}

function readObject(plan: Plan, value: unknown, state: State): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(plan, value, state);
  const fields = plan.fields;
  const input = value as { readonly [name: string]: unknown };
  const out: Record<string, unknown> = {};
  for (const name in input) {
    const item = input[name];
    const field = fields.get(name);
    if (field === undefined) {
      if (item === undefined) continue;
      if (plan.schema.preserveUnknownFields === true) set(out, name, copyAny(item));
      else if (state.unknown.length < maxProblems) state.unknown = [...state.unknown, { path: name }];
      continue;
    }
    if (item === null || item === undefined) continue;
    if (field.op === STRING && typeof item === "string") {
      out[name] = item;
      continue;
    }
    const unknown = state.unknown;
    const failure = state.failure;
    const kept = read(field, item, state);
    if (!field.omitsEmpty || !isEmpty(kept)) out[name] = kept;
    if (state.unknown !== unknown) prefix(state.unknown, unknown.length, name);
    if (state.failure !== failure && state.failure !== undefined) {
      state.failure.path = state.failure.path === "" ? name : `${name}.${state.failure.path}`;
      if (state.failure.struct === "") state.failure.struct = shortName(plan.schema);
    }
  }
  return out;
}

/** Whether it is a list or map without anything in it. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  // PERF: the first name is enough.
  for (const _name in value as object | undefined) return false;
  return value !== undefined;
}

function readArray(plan: Plan, value: unknown, state: State): unknown {
  if (!Array.isArray(value)) return wrong(plan, value, state);
  const items = plan.items;
  const out: unknown[] = [];
  for (let index = 0; index < value.length; index += 1) {
    const item: unknown = value[index];
    const unknown = state.unknown;
    out.push(item === null || item === undefined ? zeroOf(items) : read(items, item, state));
    if (state.unknown !== unknown) prefix(state.unknown, unknown.length, `[${index}]`);
  }
  return out;
}

function readMap(plan: Plan, value: unknown, state: State): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(plan, value, state);
  const items = plan.items;
  const input = value as { readonly [name: string]: unknown };
  const out: Record<string, unknown> = {};
  for (const name in input) {
    const item = input[name];
    if (item === undefined) continue;
    const unknown = state.unknown;
    set(out, name, item === null ? zeroOf(items) : read(items, item, state));
    if (state.unknown !== unknown) prefix(state.unknown, unknown.length, name);
  }
  return out;
}

/** Types whose JSON is text with a syntax of its own. */
function readText(plan: Plan, value: unknown, state: State): unknown {
  if (plan.op === QUANTITY) {
    try {
      return canonicalQuantity(typeof value === "string" || typeof value === "number" ? value : "{");
    } catch (error) {
      return fail(state, error, QuantityError);
    }
  }
  if (typeof value !== "string") return wrong(plan, value, state);
  if (plan.op === BYTES) {
    const bad = base64Fault(value);
    if (bad < 0) return /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, "") : value;
    state.failure ??= { text: `illegal base64 data at input byte ${bad}`, ofType: undefined, struct: "", path: "" };
    return undefined;
  }
  try {
    return plan.op === TIME ? canonicalTime(value) : canonicalMicroTime(value);
  } catch (error) {
    return fail(state, error, TimeError);
  }
}

function fail(state: State, error: unknown, expected: abstract new (...args: never[]) => Error): undefined {
  if (!(error instanceof expected)) throw error;
  state.failure ??= { text: error.message, ofType: undefined, struct: "", path: "" };
}

function wrong(plan: Plan, value: unknown, state: State): undefined {
  state.failure ??= { text: jsonWord(value, plan), ofType: goType(plan.schema), wrong: { value, type: plan.schema.type }, struct: "", path: "" };
}

/** A JSON value as Go's decoder names it; a number that does not fit is shown. */
function jsonWord(value: unknown, { op }: Plan): string {
  if (typeof value === "number") return op === INT32 || op === INT64 || op === INT_OR_STRING ? `number ${value}` : "number";
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "array" : typeof value;
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case "boolean":
      return "bool";
    case "double":
      return "float64";
    case "bytes":
      return "[]uint8";
    case "time":
    case "microtime":
      return "string";
    case "int-or-string":
      return "int32";
    case "any":
      return "interface {}";
    case "array":
      return `[]${goType(schema.items ?? { type: "any" })}`;
    case "map":
      return `map[string]${goType(schema.items ?? { type: "any" })}`;
    case "object":
      return schema.name === undefined ? "map[string]interface {}" : schema.name.split(".").slice(-2).join(".");
    default:
      return schema.type;
  }
}

const shortName = ({ name = "" }: Schema): string => name.slice(name.lastIndexOf(".") + 1);

/** What Go leaves in a slot that is null. */
function zeroOf({ op }: Plan): unknown {
  switch (op) {
    case STRING:
    case BYTES:
      return "";
    case BOOLEAN:
      return false;
    case INT32:
    case INT64:
    case DOUBLE:
    case INT_OR_STRING:
      return 0;
    case QUANTITY:
      return "0";
    case OBJECT:
      return {};
    default:
      return null;
  }
}

function prefix(places: readonly Place[], from: number, name: string): void {
  for (const place of places.slice(from)) place.path = place.path.startsWith("[") ? name + place.path : `${name}.${place.path}`;
}

/** A key of a user's choice: `__proto__` must become a property like any other. */
function set(out: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(out, name, { value, writable: true, enumerable: true, configurable: true });
  else out[name] = value;
}

function copyAny(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyAny);
  const input = value as { readonly [name: string]: unknown };
  const out: Record<string, unknown> = {};
  for (const name in input) if (input[name] !== undefined) set(out, name, copyAny(input[name]));
  return out;
}

/** The offset at which Go's strict standard base64 stops, or -1. Line breaks are skipped. */
function base64Fault(text: string): number {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return -1;
  let digits = 0;
  let padding = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === "\n" || char === "\r") continue;
    if (char === "=") {
      padding += 1;
      if (digits % 4 < 2 || padding > 2 || (digits % 4 === 3 && padding > 1)) return index;
    } else if (padding > 0 || !/[A-Za-z0-9+/]/.test(char)) return index;
    else digits += 1;
  }
  return (digits + padding) % 4 === 0 ? -1 : text.length - (text.length % 4 === 0 ? 4 : text.length % 4);
}
