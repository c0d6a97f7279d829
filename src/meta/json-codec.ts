import { jsonFault } from "./json-fault.ts";
import { badRequest } from "./status-error.ts";

/**
 * How deep a document may nest. Go's decoder stops at 10,000; V8 copies, compares and prints by recursion and
 * overflows its stack before that, so the limit is lower here.
 */
export const maxJsonDepth = 1000;
const maxProblems = 100;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** JSON text, or UTF-8 bytes of it, to a value. Throws 400 in the words of Go's decoder. */
export function parseJson(input: string | Uint8Array): unknown {
  const text = typeof input === "string" ? input : utf8(input);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest(jsonFault(text) ?? "invalid JSON");
  }
  if (text.length > maxJsonDepth && isDeeper(value, maxJsonDepth)) throw badRequest("exceeded max depth");
  return value;
}

/** Whether a value nests deeper than a document may. */
export function isTooDeep(value: unknown): boolean {
  return isDeeper(value, maxJsonDepth);
}

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw badRequest("the body is not valid UTF-8");
  }
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (left === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object" && isDeeper(item, left - 1)) return true;
    return false;
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object" && isDeeper(item, left - 1)) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** One object or array that is still open. */
interface Frame {
  /** The last key, or the index of the current item. */
  at: string | number;
  /** Keys seen so far; undefined for arrays. PERF: an array until it is long enough for a Set to pay. */
  keys: string[] | undefined;
  many: Set<string> | undefined;
}

/**
 * `duplicate field "spec.replicas"` for each key that an object has twice, at most 100; `text` must be valid JSON.
 * @upstream sigs.k8s.io/json/internal/golang/encoding/json/kubernetes_patch.go
 */
export function duplicateFields(text: string): string[] {
  const problems: string[] = [];
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let isKey = false;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const start = index + 1;
        index = stringEnd(text, start);
        if (!isKey || frame?.keys === undefined) break;
        const raw = text.slice(start, index);
        const key = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
        frame.at = key;
        if (isKnown(frame, frame.keys, key) && problems.length < maxProblems) problems.push(`duplicate field ${JSON.stringify(pathOf(frames))}`);
        isKey = false;
        break;
      }
      case OPEN_BRACE:
        frame = { at: "", keys: [], many: undefined };
        frames.push(frame);
        isKey = true;
        break;
      case OPEN_BRACKET:
        frame = { at: 0, keys: undefined, many: undefined };
        frames.push(frame);
        isKey = false;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        frames.pop();
        frame = frames.at(-1);
        isKey = false;
        break;
      case COMMA:
        if (frame === undefined) break;
        if (typeof frame.at === "number") frame.at += 1;
        else isKey = true;
        break;
      case COLON:
        isKey = false;
        break;
      default:
    }
  }
  return problems;
}

/** The offset of the quote that ends a string whose content starts at `start`. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start);
  while (end >= 0) {
    let back = end - 1;
    while (back >= start && text.charCodeAt(back) === BACKSLASH) back -= 1;
    if ((end - back) % 2 === 1) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

const longObject = 16;
function isKnown(frame: Frame, keys: string[], key: string): boolean {
  if (frame.many !== undefined) {
    if (frame.many.has(key)) return true;
    frame.many.add(key);
    return false;
  }
  if (keys.includes(key)) return true;
  keys.push(key);
  if (keys.length > longObject) frame.many = new Set(keys);
  return false;
}

function pathOf(frames: readonly Frame[]): string {
  let path = "";
  for (const { at } of frames) path += typeof at === "number" ? `[${at}]` : path === "" ? at : `.${at}`;
  return path;
}
