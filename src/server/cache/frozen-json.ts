import type { KubeObject } from "../../meta/object.ts";

/** Bytes kept from one call to the next; an object that is larger has a buffer of its own. */
const KEPT_BYTES = 1 << 18;
/** Longer texts are left to the engine, whose start costs more than a short text. */
const SHORT_TEXT = 256;
/** What is kept of `fieldsV1` together. */
const FRAGMENTS = 512;
const FRAGMENT_BYTES = 8_192;

const encoder = new TextEncoder();
const kept = new Uint8Array(KEPT_BYTES);
let buffer = kept;
let at = 0;

/**
 * Sets of fields as bytes. PERF: objects of one shape share one frozen set (meta/apply), which is a quarter of a small
 * object. Emptied when full.
 */
const fragments = new Map<object, Uint8Array>();

/**
 * The UTF-8 of what JSON.stringify makes of a JSON-shaped object, which is frozen all the way down. `apiVersion`, `kind` and
 * `metadata` stand first, and metadata without its resourceVersion. PERF: one walk instead of one for the text, one for its
 * bytes and one that freezes; 6 µs instead of 10 for a pod.
 */
export function frozenJson(object: KubeObject): Uint8Array {
  at = 0;
  try {
    writeStored(object as KubeObject & Record<string, unknown>);
    return buffer.slice(0, at);
  } finally {
    buffer = kept;
  }
}

function writeStored(object: KubeObject & Record<string, unknown>): void {
  put(0x7b);
  const isFirst = writeMember("kind", object.kind, writeMember("apiVersion", object.apiVersion, true));
  if (!isFirst) put(0x2c);
  writeText("metadata");
  put(0x3a);
  writeObject(object.metadata as object as Record<string, unknown>, "resourceVersion");
  for (const key in object) if (key !== "apiVersion" && key !== "kind" && key !== "metadata") writeMember(key, object[key], false);
  put(0x7d);
  Object.freeze(object);
}

function write(value: unknown): void {
  switch (typeof value) {
    case "string":
      writeText(value);
      return;
    case "number":
      writePlain(Number.isFinite(value) ? String(value) : "null");
      return;
    case "boolean":
      writePlain(value ? "true" : "false");
      return;
    case "object":
      if (value === null) writePlain("null");
      else if (Array.isArray(value)) writeArray(value);
      else writeObject(value as Record<string, unknown>);
      return;
    default:
      // In an array; members that are undefined are left out.
      writePlain("null");
  }
}

function writeObject(value: Record<string, unknown>, without?: string): void {
  let isFirst = true;
  put(0x7b);
  for (const key in value) if (key !== without) isFirst = writeMember(key, value[key], isFirst);
  put(0x7d);
  Object.freeze(value);
}

/** Whether the next member is still the first. */
function writeMember(key: string, value: unknown, isFirst: boolean): boolean {
  if (value === undefined) return isFirst;
  if (!isFirst) put(0x2c);
  writeText(key);
  put(0x3a);
  if (key === "fieldsV1" && typeof value === "object" && value !== null && Object.isFrozen(value)) writeFragment(value);
  else write(value);
  return false;
}

function writeArray(value: readonly unknown[]): void {
  put(0x5b);
  for (let index = 0; index < value.length; index += 1) {
    if (index > 0) put(0x2c);
    write(value[index]);
  }
  put(0x5d);
  Object.freeze(value);
}

function writeFragment(value: object): void {
  const known = fragments.get(value);
  if (known !== undefined) {
    reserve(known.length);
    buffer.set(known, at);
    at += known.length;
    return;
  }
  const from = at;
  write(value);
  if (at - from > FRAGMENT_BYTES) return;
  if (fragments.size >= FRAGMENTS) fragments.clear();
  fragments.set(value, buffer.slice(from, at));
}

/** A JSON text. PERF: ASCII without anything to escape, which nearly all is, is copied; the rest goes the usual way. */
function writeText(text: string): void {
  const { length } = text;
  if (length > SHORT_TEXT) {
    writeEscaped(text);
    return;
  }
  reserve(length + 2);
  const bytes = buffer;
  let to = at;
  bytes[to++] = 0x22;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) {
      writeEscaped(text);
      return;
    }
    bytes[to++] = code;
  }
  bytes[to++] = 0x22;
  at = to;
}

function writeEscaped(text: string): void {
  const json = JSON.stringify(text);
  reserve(json.length * 3);
  at += encoder.encodeInto(json, buffer.subarray(at)).written;
}

/** What is ASCII and needs no quotes. */
function writePlain(text: string): void {
  reserve(text.length);
  for (let index = 0; index < text.length; index += 1) buffer[at++] = text.charCodeAt(index);
}

function put(byte: number): void {
  if (at === buffer.length) reserve(1);
  buffer[at++] = byte;
}

function reserve(bytes: number): void {
  if (at + bytes <= buffer.length) return;
  const larger = new Uint8Array(Math.max(buffer.length * 2, at + bytes));
  larger.set(buffer.subarray(0, at));
  buffer = larger;
}
