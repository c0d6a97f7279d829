import { toBase64 } from "./base64.ts";
import { pointerFields } from "./pointer-fields.ts";
import { ProtobufError, Reader } from "./reader.ts";
import { type WireField, wireMessage, type WireValue } from "./tables.ts";

type Json = Record<string, unknown>;
const text = new TextDecoder();
const MAX_DEPTH = 200;

/** Reads a message of Kubernetes' protobuf into the shape that its JSON has. Throws ProtobufError. */
export function decodeMessage(name: string, bytes: Uint8Array): Json {
  const out: Json = {};
  readInto(out, name, new Reader(bytes), 0);
  return out;
}

function readInto(out: Json, name: string, reader: Reader, depth: number): void {
  if (depth > MAX_DEPTH) throw new ProtobufError("message too deep");
  const message = wireMessage(name);
  if (message === undefined) throw new ProtobufError(`no message ${name}`);
  while (!reader.done) {
    const tag = reader.varint();
    const field = message.byNumber.get(Math.floor(tag / 8));
    if (field === undefined) reader.skip(tag % 8);
    else readField(out, field, reader, tag % 8, depth);
  }
}

function readField(out: Json, field: WireField, reader: Reader, wireType: number, depth: number): void {
  const { name, kind, value } = field;
  if (wireTypeOf(value) !== wireType && kind !== "map") throw new ProtobufError(`field ${name} has wire type ${wireType}`);
  if (name === "" && value.type === "message") {
    readInto(out, value.name, reader.message(), depth + 1);
    return;
  }
  if (kind === "map") {
    const entry = reader.message();
    let key = "";
    let item: unknown = emptyOf(value);
    while (!entry.done) {
      const tag = entry.varint();
      if (tag === 0x0a) key = entry.text();
      else if (Math.floor(tag / 8) === 2) item = readValue(value, entry, depth);
      else entry.skip(tag % 8);
    }
    const map = (out[name] ??= {}) as Json;
    Object.defineProperty(map, key, { value: item, enumerable: true, writable: true, configurable: true });
    return;
  }
  const item = readValue(value, reader, depth);
  if (kind === "repeated") {
    const list = (out[name] ??= []) as unknown[];
    list.push(item);
    return;
  }
  // Go writes the zero of whatever is no pointer: it says nothing.
  if (item === undefined || ((item === "" || item === 0 || item === false) && !pointerFields.has(name))) return;
  out[name] = item;
}

function wireTypeOf({ type }: WireValue): number {
  if (type === "bool" || type === "varint") return 0;
  return type === "double" ? 1 : 2;
}

function emptyOf({ type }: WireValue): unknown {
  if (type === "bool") return false;
  if (type === "varint" || type === "double") return 0;
  if (type === "message") return {};
  return type === "wrapped-list" ? [] : "";
}

function readValue(value: WireValue, reader: Reader, depth: number): unknown {
  switch (value.type) {
    case "string":
      return reader.text();
    case "bool":
      return reader.varint() !== 0;
    case "varint":
      return reader.varint();
    case "double":
      return reader.double();
    case "bytes":
      return toBase64(reader.bytes());
    case "message": {
      const inner: Json = {};
      readInto(inner, value.name, reader.message(), depth + 1);
      return inner;
    }
    case "wrapped-list": {
      const inner = reader.message();
      const list: unknown[] = [];
      while (!inner.done) {
        const tag = inner.varint();
        if (Math.floor(tag / 8) === 1) list.push(readValue(value.value, inner, depth + 1));
        else inner.skip(tag % 8);
      }
      return list;
    }
    default:
      return readSpecial(value.type, reader.message(), depth);
  }
}

/** Numbered fields of a small message, each read by its wire type. */
function fieldsOf(reader: Reader): Map<number, number | Uint8Array> {
  const fields = new Map<number, number | Uint8Array>();
  while (!reader.done) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.set(number, reader.varint());
    else if (tag % 8 === 2) fields.set(number, reader.bytes());
    else reader.skip(tag % 8);
  }
  return fields;
}

function readSpecial(type: WireValue["type"], reader: Reader, depth: number): unknown {
  const repeated: Uint8Array[] = [];
  if (type === "schema-or-strings") {
    const strings: string[] = [];
    let schema: unknown;
    while (!reader.done) {
      const tag = reader.varint();
      if (tag === 0x0a) schema = schemaOf(reader.bytes(), depth);
      else if (tag === 0x12) strings.push(reader.text());
      else reader.skip(tag % 8);
    }
    return schema ?? strings;
  }
  if (type === "schema-or-array") {
    let schema: unknown;
    while (!reader.done) {
      const tag = reader.varint();
      if (tag === 0x0a) schema = schemaOf(reader.bytes(), depth);
      else if (tag === 0x12) repeated.push(reader.bytes());
      else reader.skip(tag % 8);
    }
    return schema ?? repeated.map((bytes) => schemaOf(bytes, depth));
  }
  const fields = fieldsOf(reader);
  const bytesOf = (number: number): Uint8Array => {
    const found = fields.get(number);
    return found instanceof Uint8Array ? found : new Uint8Array();
  };
  const numberOf = (number: number): number => {
    const found = fields.get(number);
    return typeof found === "number" ? found : 0;
  };
  switch (type) {
    case "quantity":
      return text.decode(bytesOf(1));
    case "time":
    case "microtime":
      return timeText(fields.size === 0 ? undefined : numberOf(1), numberOf(2), type === "microtime");
    case "int-or-string":
      return numberOf(1) === 0 ? numberOf(2) : text.decode(bytesOf(3));
    case "schema-or-bool": {
      const schema = fields.get(2);
      return schema instanceof Uint8Array ? schemaOf(schema, depth) : numberOf(1) !== 0;
    }
    default:
      return rawJson(bytesOf(1));
  }
}

function schemaOf(bytes: Uint8Array, depth: number): Json {
  const schema: Json = {};
  readInto(schema, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", new Reader(bytes), depth + 1);
  return schema;
}

function rawJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(text.decode(bytes));
  } catch {
    throw new ProtobufError("embedded JSON is not valid");
  }
}

/** Undefined for Go's zero time. */
function timeText(seconds: number | undefined, nanos: number, micro: boolean): string | undefined {
  if (seconds === undefined || Math.abs(seconds) > 8.64e12) return undefined;
  const base = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${base}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z` : `${base}Z`;
}
