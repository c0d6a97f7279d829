import type { FunctionTable } from "../overload.ts";
import { ArrayList, CelDuration, CelError, CelList, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue } from "../value.ts";
import { codePoints, durationText, timestampText } from "./conversions.ts";

const traverse = (text: string): number => Math.ceil(text.length * 0.1);
const maxResult = 10_000_000;

function bounded(text: string): string {
  if (text.length > maxResult) throw new CelError("string too long");
  return text;
}

/** What the standard library and the strings extension know of text. @upstream cel-go/ext/strings.go */
export function addStrings(table: FunctionTable): void {
  table.add("contains", "string.(string) bool", (text: string, part: string) => text.includes(part), traverse);
  table.add(
    "startsWith",
    "string.(string) bool",
    (text: string, part: string) => text.startsWith(part),
    (_: string, part: string) => traverse(part),
  );
  table.add(
    "endsWith",
    "string.(string) bool",
    (text: string, part: string) => text.endsWith(part),
    (_: string, part: string) => traverse(part),
  );
  table.add("charAt", "string.(int) string", (text: string, index: bigint) => {
    const chars = Array.from(text);
    const at = Number(index);
    if (at < 0 || at > chars.length) throw new CelError(`index out of range: ${index}`);
    return chars[at] ?? "";
  });
  table.add("indexOf", "string.(string) int", (text: string, part: string) => indexOf(text, part, 0n), traverse);
  table.add("indexOf", "string.(string, int) int", indexOf, traverse);
  table.add("lastIndexOf", "string.(string) int", (text: string, part: string) => lastIndexOf(text, part, undefined), traverse);
  table.add("lastIndexOf", "string.(string, int) int", (text: string, part: string, from: bigint) => lastIndexOf(text, part, Number(from)), traverse);
  table.add("join", "list<string>.() string", (list: CelList) => joined(list, ""));
  table.add("join", "list<string>.(string) string", joined, (list: CelList) => list.size);
  table.add("lowerAscii", "string.() string", (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()), traverse);
  table.add("upperAscii", "string.() string", (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()), traverse);
  table.add("replace", "string.(string, string) string", (text: string, from: string, to: string) => replaced(text, from, to, -1), traverse);
  table.add("replace", "string.(string, string, int) string", (text: string, from: string, to: string, count: bigint) => replaced(text, from, to, Number(count)), traverse);
  table.add("split", "string.(string) list<string>", (text: string, by: string) => new ArrayList(split(text, by, -1)), traverse);
  table.add("split", "string.(string, int) list<string>", (text: string, by: string, count: bigint) => new ArrayList(split(text, by, Number(count))), traverse);
  table.add("substring", "string.(int) string", (text: string, from: bigint) => substring(text, Number(from), undefined), traverse);
  table.add("substring", "string.(int, int) string", (text: string, from: bigint, to: bigint) => substring(text, Number(from), Number(to)), traverse);
  table.add("trim", "string.() string", (text: string) => text.trim(), traverse);
  table.add("reverse", "string.() string", (text: string) => Array.from(text).reverse().join(""), traverse);
  table.add("strings.quote", "(string) string", quote, traverse);
  table.add("format", "string.(list<dyn>) string", format, traverse);
}

function indexOf(text: string, part: string, from: bigint): bigint {
  const size = codePoints(text);
  if (from < 0n || from > BigInt(size)) throw new CelError(`index out of range: ${from}`);
  const start = size === text.length ? Number(from) : Array.from(text).slice(0, Number(from)).join("").length;
  const found = text.indexOf(part, start);
  return BigInt(found < 0 ? -1 : codePoints(text.slice(0, found)));
}

function lastIndexOf(text: string, part: string, from: number | undefined): bigint {
  const size = codePoints(text);
  if (from !== undefined && (from < 0 || from > size)) throw new CelError(`index out of range: ${from}`);
  const start = from === undefined ? text.length : size === text.length ? from : Array.from(text).slice(0, from).join("").length;
  const found = text.lastIndexOf(part, start);
  return BigInt(found < 0 ? -1 : codePoints(text.slice(0, found)));
}

function joined(list: CelList, by: string): string {
  const parts: string[] = [];
  for (const item of list) {
    if (typeof item !== "string") throw new CelError("no such overload");
    parts.push(item);
  }
  return bounded(parts.join(by));
}

function replaced(text: string, from: string, to: string, count: number): string {
  if (count === 0) return text;
  const times = from === "" ? codePoints(text) + 1 : text.split(from).length - 1;
  if (text.length + times * to.length > maxResult) throw new CelError("string too long");
  if (count < 0)
    return from === ""
      ? to +
          Array.from(text)
            .map((char) => char + to)
            .join("")
      : text.replaceAll(from, () => to);
  if (from === "") {
    const chars = Array.from(text);
    return chars.map((char, index) => (index < count ? to + char : char)).join("") + (chars.length < count ? to : "");
  }
  return split(text, from, count + 1).join(to);
}

/** As Go's SplitN: at most `count` parts, the last with all that is left; below zero: no bound. */
function split(text: string, by: string, count: number): string[] {
  if (count === 0) return [];
  if (by === "") {
    const chars = Array.from(text);
    return count < 0 || chars.length <= count ? chars : [...chars.slice(0, count - 1), chars.slice(count - 1).join("")];
  }
  const parts = text.split(by);
  return count < 0 || parts.length <= count ? parts : [...parts.slice(0, count - 1), parts.slice(count - 1).join(by)];
}

function substring(text: string, from: number, to: number | undefined): string {
  const chars = Array.from(text);
  const end = to ?? chars.length;
  if (from < 0 || from > chars.length) throw new CelError(`index out of range: ${from}`);
  if (end < 0 || end > chars.length) throw new CelError(`index out of range: ${end}`);
  if (from > end) throw new CelError(`invalid substring range. start: ${from}, end: ${end}`);
  return chars.slice(from, end).join("");
}

const escapes: Readonly<Record<string, string>> = { "\x07": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"' };
const quote = (text: string): string =>
  `"${Array.from(text)
    .map((char) => escapes[char] ?? char)
    .join("")}"`;

/** `%s %d %f %e %b %x %X %o %%` with an optional precision. @upstream cel-go/ext/formatting.go */
function format(pattern: string, args: CelList): string {
  let next = 0;
  const text = pattern.replace(/%(?:\.(\d+))?([^]|$)/g, (_, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    const value = args.at(next);
    next += 1;
    return clause(verb, value, precision === undefined ? undefined : Number(precision));
  });
  return bounded(text);
}

function clause(verb: string, value: CelValue, precision = 6): string {
  const wrong = (): CelError => new CelError(`error during formatting: unrecognized formatting clause or value for "%${verb}"`);
  const whole = typeof value === "bigint" ? value : value instanceof CelUint ? value.value : undefined;
  if (precision > 100) throw wrong();
  switch (verb) {
    case "s":
      return shown(value);
    case "d":
      if (whole !== undefined) return String(whole);
      if (typeof value === "number" && !Number.isFinite(value)) return shown(value);
      throw wrong();
    case "f":
    case "e": {
      const real = whole === undefined ? value : Number(whole);
      if (typeof real !== "number") throw wrong();
      if (!Number.isFinite(real)) return shown(real);
      return verb === "f" ? real.toFixed(precision) : real.toExponential(precision).replace(/e([+-])(\d)$/, "e$10$2");
    }
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (whole !== undefined) return whole.toString(2);
      throw wrong();
    case "o":
      if (whole !== undefined) return whole.toString(8);
      throw wrong();
    case "x":
    case "X": {
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value instanceof Uint8Array ? value : undefined;
      const hex = bytes === undefined ? whole?.toString(16) : [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      if (hex === undefined) throw wrong();
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    default:
      throw wrong();
  }
}

/** A value as `%s` shows it. */
function shown(value: CelValue): string {
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? String(value) : value > 0 ? "Infinity" : "-Infinity";
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof CelDuration) return durationText(value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof CelList) return `[${[...value].map(shown).join(", ")}]`;
  if (value instanceof CelMap) {
    const entries = [...value.keys()].map((key) => [shown(key), shown(value.get(key) ?? null)] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${key}: ${item}`).join(", ")}}`;
  }
  throw new CelError("string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps");
}
