import { timeMs } from "../../time.ts";
import { parseDuration } from "../duration.ts";
import type { FunctionTable } from "../overload.ts";
import { type CelDuration, CelError, type CelList, type CelMap, type CelTimestamp, CelTypeValue, type CelUint, type CelValue, typeNameOf } from "../value.ts";
import { checkedDuration, checkedInt, checkedTime, checkedUint } from "./arithmetic.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const nanosPerSecond = 1_000_000_000n;

/** How long text is, in code points. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index += 1) if ((text.charCodeAt(index) & 0xfc00) === 0xd800) count -= 1;
  return count;
}

function wholeNumber(value: number): bigint {
  if (!Number.isFinite(value)) throw new CelError("integer overflow");
  return BigInt(Math.trunc(value));
}

function parseIntText(text: string, what: string): bigint {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new CelError(`type conversion error from 'string' to '${what}'`);
  return BigInt(text.replace(/^\+/, ""));
}

/** As Go prints a double. */
function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [mantissa = "", exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 21) return power >= 0 || String(value).indexOf("e") < 0 ? String(value) : value.toFixed(20).replace(/0+$/, "");
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

export function timestampText({ nanos }: CelTimestamp): string {
  const seconds = nanos / nanosPerSecond - (nanos % nanosPerSecond < 0n ? 1n : 0n);
  const rest = nanos - seconds * nanosPerSecond;
  const fraction = rest === 0n ? "" : `.${String(rest).padStart(9, "0").replace(/0+$/, "")}`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}

export function durationText({ nanos }: CelDuration): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = size % nanosPerSecond;
  return `${nanos < 0n ? "-" : ""}${size / nanosPerSecond}${fraction === 0n ? "" : `.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`}s`;
}

export function parseTimestamp(text: string): CelTimestamp {
  let ms: number;
  try {
    ms = timeMs(text);
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : "invalid timestamp");
  }
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const wholeSeconds = BigInt(Math.floor(ms / 1000));
  return checkedTime(wholeSeconds * nanosPerSecond + BigInt(fraction.slice(0, 9).padEnd(9, "0")));
}

function decodeText(value: Uint8Array): string {
  try {
    return decoder.decode(value);
  } catch {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
  }
}

function parseDouble(text: string): number {
  const value = /^[+-]?(?:inf|infinity)$/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : /^nan$/i.test(text) ? Number.NaN : Number(text);
  if (text.trim() !== text || text === "" || (Number.isNaN(value) && !/^nan$/i.test(text))) throw new CelError("type conversion error from 'string' to 'double'");
  return value;
}

function parseBool(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new CelError("type conversion error from 'string' to 'bool'");
}

/** size(), type conversions, type(). */
export function addConversions(table: FunctionTable): void {
  for (const [type, size] of [
    ["string", (value: string) => BigInt(codePoints(value))],
    ["bytes", (value: Uint8Array) => BigInt(value.length)],
    ["list<A>", (value: CelList) => BigInt(value.size)],
    ["map<A, B>", (value: CelMap) => BigInt(value.size)],
  ] as const) {
    table.add("size", `(${type}) int`, size as (value: never) => bigint);
    table.add("size", `${type}.() int`, size as (value: never) => bigint);
  }
  table.add("int", "(int) int", (value: bigint) => value);
  table.add("int", "(uint) int", ({ value }: CelUint) => checkedInt(value));
  table.add("int", "(double) int", (value: number) => checkedInt(wholeNumber(value)));
  table.add("int", "(string) int", (value: string) => checkedInt(parseIntText(value, "int")));
  table.add("int", "(timestamp) int", ({ nanos }: CelTimestamp) => nanos / nanosPerSecond);
  table.add("int", "(duration) int", ({ nanos }: CelDuration) => nanos);
  table.add("uint", "(uint) uint", (value: CelUint) => value);
  table.add("uint", "(int) uint", checkedUint);
  table.add("uint", "(double) uint", (value: number) => checkedUint(wholeNumber(value)));
  table.add("uint", "(string) uint", (value: string) => checkedUint(parseIntText(value, "uint")));
  table.add("double", "(double) double", (value: number) => value);
  table.add("double", "(int) double", Number as (value: never) => number);
  table.add("double", "(uint) double", ({ value }: CelUint) => Number(value));
  table.add("double", "(string) double", parseDouble);
  table.add("string", "(string) string", (value: string) => value);
  table.add("string", "(int) string", String as (value: never) => string);
  table.add("string", "(uint) string", ({ value }: CelUint) => String(value));
  table.add("string", "(double) string", doubleText);
  table.add("string", "(bool) string", String as (value: never) => string);
  table.add("string", "(bytes) string", decodeText);
  table.add("string", "(timestamp) string", timestampText);
  table.add("string", "(duration) string", durationText);
  table.add("bytes", "(bytes) bytes", (value: Uint8Array) => value);
  table.add("bytes", "(string) bytes", (value: string) => encoder.encode(value));
  table.add("bool", "(bool) bool", (value: boolean) => value);
  table.add("bool", "(string) bool", parseBool);
  table.add("timestamp", "(timestamp) timestamp", (value: CelTimestamp) => value);
  table.add("timestamp", "(string) timestamp", parseTimestamp);
  table.add("timestamp", "(int) timestamp", (value: bigint) => checkedTime(value * nanosPerSecond));
  table.add("duration", "(duration) duration", (value: CelDuration) => value);
  table.add("duration", "(string) duration", (value: string) => checkedDuration(parseDuration(value)));
  table.add("duration", "(int) duration", (value: bigint) => checkedDuration(value));
  table.add("dyn", "(A) dyn", (value: CelValue) => value);
  table.add("type", "(A) type", (value: CelValue) => new CelTypeValue(typeNameOf(value)));
}

/** getFullYear() and the like, with or without a time zone; durations in units. */
export function addTimeGetters(table: FunctionTable): void {
  const getters: Readonly<Record<string, (time: Date) => number>> = {
    getFullYear: (time) => time.getUTCFullYear(),
    getMonth: (time) => time.getUTCMonth(),
    getDayOfYear: (time) => Math.floor((Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()) - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000),
    getDayOfMonth: (time) => time.getUTCDate() - 1,
    getDate: (time) => time.getUTCDate(),
    getDayOfWeek: (time) => time.getUTCDay(),
    getHours: (time) => time.getUTCHours(),
    getMinutes: (time) => time.getUTCMinutes(),
    getSeconds: (time) => time.getUTCSeconds(),
    getMilliseconds: (time) => time.getUTCMilliseconds(),
  };
  for (const [name, get] of Object.entries(getters)) {
    table.add(name, "timestamp.() int", ({ nanos }: CelTimestamp) => BigInt(get(new Date(Math.floor(Number(nanos / 1_000_000n))))));
    table.add(name, "timestamp.(string) int", ({ nanos }: CelTimestamp, zone: string) => BigInt(get(inZone(Number(nanos / 1_000_000n), zone))));
  }
  const units: Readonly<Record<string, bigint>> = { getHours: 3600n * nanosPerSecond, getMinutes: 60n * nanosPerSecond, getSeconds: nanosPerSecond, getMilliseconds: 1_000_000n };
  for (const [name, unit] of Object.entries(units)) table.add(name, "duration.() int", ({ nanos }: CelDuration) => nanos / unit);
}

/** A date whose UTC fields are those of the zone: `-02:00` or `America/New_York`. */
function inZone(ms: number, zone: string): Date {
  const offset = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (offset !== null) return new Date(ms + (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000);
  try {
    const parts = new Intl.DateTimeFormat("en-US", {
      timeZone: zone === "" ? "UTC" : zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    }).formatToParts(ms);
    const part = (type: string): number => Number(parts.find((found) => found.type === type)?.value ?? "0");
    return new Date(Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"), ((ms % 1000) + 1000) % 1000));
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}
