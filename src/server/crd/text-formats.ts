import { parseCidr, parseIp } from "../../meta/ip.ts";
import { dnsLabelErrors, dnsSubdomainErrors } from "../../meta/validation.ts";

const uuidOf = (version: string, variant = "[0-9a-f]"): RegExp => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, "i");
const [uuid, uuid3, uuid4, uuid5] = [uuidOf("[0-9a-f]"), uuidOf("3"), uuidOf("4", "[89ab]"), uuidOf("5", "[89ab]")];

function isbn10(text: string): boolean {
  const digits = text.replace(/[- ]/g, "");
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  return Array.from(digits).reduce((sum, digit, index) => sum + (10 - index) * (digit === "X" ? 10 : Number(digit)), 0) % 11 === 0;
}

function isbn13(text: string): boolean {
  const digits = text.replace(/[- ]/g, "");
  return /^\d{13}$/.test(digits) && Array.from(digits).reduce((sum, digit, index) => sum + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function creditCard(text: string): boolean {
  const digits = text.replace(/\D/g, "");
  if (
    !/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      digits,
    )
  )
    return false;
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => total + (index % 2 === 0 ? Number(digit) : Number(digit) * 2 - (Number(digit) > 4 ? 9 : 0)), 0);
  return sum % 10 === 0;
}

const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(Date.parse(text)).toISOString().startsWith(text);
const dateTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
const hexPairs = "[0-9a-fA-F]{2}";

/** By the names that a definition may use; any other format says nothing. @upstream apiextensions-apiserver/pkg/apiserver/validation/formats.go */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-fA-F]{24}$/.test(text),
  uri: (text) => /^[a-zA-Z][a-zA-Z0-9+.-]*:\S/.test(text) || text.startsWith("/"),
  email: (text) => /^[^@\s<>()[\]\\,;:]+@[^@\s<>()[\]\\,;:]+$/.test(text),
  hostname: (text) => text.length <= 255 && /^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.?)+$/.test(text),
  ipv4: (text) => parseIp(text)?.family === 4 && !text.includes(":"),
  ipv6: (text) => text.includes(":") && parseIp(text) !== undefined,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: (text) =>
    new RegExp(`^${hexPairs}(?:(?::${hexPairs}){5}|(?::${hexPairs}){7}|(?:-${hexPairs}){5}|(?:-${hexPairs}){7})$|^[0-9a-fA-F]{4}(?:\\.[0-9a-fA-F]{4}){2,3}$`).test(text),
  uuid: (text) => uuid.test(text),
  uuid3: (text) => uuid3.test(text),
  uuid4: (text) => uuid4.test(text),
  uuid5: (text) => uuid5.test(text),
  isbn: (text) => isbn10(text) || isbn13(text),
  isbn10,
  isbn13,
  creditcard: creditCard,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  rgbcolor: (text) => /^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$/.test(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0,
  password: () => true,
  date: isDay,
  datetime: dateTime,
  "date-time": dateTime,
  duration: (text) => /^[+-]?(\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h|d|w|nanos?|micros?|millis?|seconds?|minutes?|hours?|days?|weeks?)\s*)+$|^0$/i.test(text),
  "k8s-short-name": (text) => dnsLabelErrors(text).length === 0,
  "k8s-long-name": (text) => dnsSubdomainErrors(text).length === 0,
};

export function fitsFormat(text: string, format: string): boolean {
  const check = Object.hasOwn(formats, format) ? formats[format] : undefined;
  return check === undefined || check(text);
}
