/**
 * A JSON value as kubectl prints it with `-o yaml`: sorted keys, lists not indented, double quotes around text that
 * would read as another type, single quotes around text with YAML's signs, long text folded at 80 columns.
 * Properties that are undefined are left out. @upstream sigs.k8s.io/yaml goyaml.v2 emitterc.go
 */
export function toYaml(value: unknown): string {
  const out = new Printer();
  if (isBlock(value)) out.block(value, 0);
  else out.inline(value, 0);
  return out.text();
}

type Json = { readonly [key: string]: unknown };
const width = 80;
const longestSimpleKey = 128;

class Printer {
  readonly #lines: string[] = [];
  #line = "";

  text(): string {
    this.#newline();
    return `${this.#lines.join("\n")}\n`;
  }

  /** A list or object that is not empty, beginning at the current column. */
  block(value: readonly unknown[] | Json, indent: number): void {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        if (index > 0) this.#begin(indent);
        this.#line += "-";
        this.#item(item, indent);
      }
      return;
    }
    const object = value as Json;
    const keys = Object.keys(object).filter((key) => object[key] !== undefined);
    for (const [index, key] of keys.sort(compareKeys).entries()) {
      if (index > 0) this.#begin(indent);
      this.#pair(key, object[key], indent);
    }
  }

  /** What follows a dash: a block stands on the same line. */
  #item(value: unknown, indent: number): void {
    if (!isBlock(value)) {
      this.inline(value, indent + 2);
      return;
    }
    this.#line += " ";
    this.block(value, indent + 2);
  }

  #pair(key: string, value: unknown, indent: number): void {
    if (key.length > longestSimpleKey || key.includes("\n")) {
      this.#line += "?";
      this.#string(key, indent + 2);
      this.#begin(indent);
      this.#line += ":";
      this.#item(value, indent);
      return;
    }
    this.#line += `${keyText(key)}:`;
    if (!isBlock(value)) this.inline(value, indent + 2);
    else {
      const inner = Array.isArray(value) ? indent : indent + 2;
      this.#begin(inner);
      this.block(value, inner);
    }
  }

  /** A scalar or an empty collection after a space; lines that continue it start at `indent`. */
  inline(value: unknown, indent: number): void {
    if (typeof value === "string") this.#string(value, indent);
    else this.#word(typeof value === "number" ? numberText(value) : typeof value === "boolean" ? String(value) : Array.isArray(value) ? "[]" : isObject(value) ? "{}" : "null");
  }

  #string(text: string, indent: number): void {
    const allowed = analyze(text);
    if (text.includes("\n") && allowed.block) this.#literal(text, indent);
    else if (!text.includes("\n") && allowed.plain && !readsAsOther(text)) this.#fold(text, indent);
    else if (!text.includes("\n") && allowed.single && !readsAsOther(text)) this.#fold(`'${text.replaceAll("'", "''")}'`, indent);
    else this.#fold(doubleQuoted(text), indent);
  }

  /** Breaks at a space once the line is longer than 80 columns; in double quotes a further space is kept by a backslash. */
  #fold(text: string, indent: number): void {
    if (this.#line !== "") this.#line += " ";
    const quotes = text.startsWith('"') ? "double" : text.startsWith("'") ? "single" : "none";
    const margin = quotes === "none" ? 0 : 1;
    let column = Array.from(this.#line).length;
    let start = 0;
    for (let index = 0; index < text.length; index += 1) {
      const isInside = index > margin && index < text.length - 1 - margin;
      if (text.charAt(index) !== " " || column <= width || !isInside || text.charAt(index - 1) === " ") {
        column += (text.charCodeAt(index) & 0xfc00) === 0xdc00 ? 0 : 1;
        continue;
      }
      const nextIsSpace = text.charAt(index + 1) === " ";
      if (nextIsSpace && quotes !== "double") {
        column += 1;
        continue;
      }
      this.#line += text.slice(start, index);
      this.#begin(indent);
      if (nextIsSpace) this.#line += "\\";
      start = index + 1;
      column = this.#line.length;
    }
    this.#line += text.slice(start);
  }

  #literal(text: string, indent: number): void {
    const hint = /^[ \n]/.test(text) ? "2" : "";
    const chomp = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
    this.#word(`|${hint}${chomp}`);
    const body = text.endsWith("\n") ? text.slice(0, -1) : text;
    for (const line of body.split("\n")) {
      this.#newline();
      this.#line = line === "" ? "" : " ".repeat(Math.max(indent, 2)) + line;
    }
  }

  #word(text: string): void {
    this.#line += this.#line === "" ? text : ` ${text}`;
  }
  #begin(indent: number): void {
    this.#newline();
    this.#line = " ".repeat(indent);
  }
  #newline(): void {
    this.#lines.push(this.#line);
    this.#line = "";
  }
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
function isBlock(value: unknown): value is readonly unknown[] | Json {
  if (!isObject(value)) return false;
  return Array.isArray(value) ? value.length > 0 : Object.values(value).some((item) => item !== undefined);
}

/** go-yaml sorts keys with runs of digits by their number, and letters after other signs. @upstream goyaml.v2 sorter.go */
function compareKeys(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let index = 0; index < left.length && index < right.length; index += 1) {
    const [l = "", r = ""] = [left[index], right[index]];
    if (l === r) continue;
    const [isLetterL, isLetterR] = [/\p{L}/u.test(l), /\p{L}/u.test(r)];
    if (isLetterL && isLetterR) return l < r ? -1 : 1;
    if (isLetterL || isLetterR) return isLetterR ? -1 : 1;
    const [digitsL, digitsR] = [digitsAt(left, index), digitsAt(right, index)];
    // A zero inside a longer number counts with the digits before it.
    const head = (l === "0" || r === "0") && followsNonZero(left, index) ? "1" : "0";
    const [numberL, numberR] = [BigInt(head + digitsL), BigInt(head + digitsR)];
    if (numberL !== numberR) return numberL < numberR ? -1 : 1;
    if (digitsL.length !== digitsR.length) return digitsL.length - digitsR.length;
    return l < r ? -1 : 1;
  }
  return left.length - right.length;
}
function digitsAt(chars: readonly string[], index: number): string {
  let end = index;
  while (/^[0-9]$/.test(chars[end] ?? "")) end += 1;
  return chars.slice(index, end).join("");
}
function followsNonZero(chars: readonly string[], index: number): boolean {
  for (let back = index - 1; back >= 0 && /^[0-9]$/.test(chars[back] ?? ""); back -= 1) if (chars[back] !== "0") return true;
  return false;
}

function keyText(key: string): string {
  const allowed = analyze(key);
  if (readsAsOther(key)) return doubleQuoted(key);
  if (allowed.plain) return key;
  return allowed.single ? `'${key.replaceAll("'", "''")}'` : doubleQuoted(key);
}

/** Which styles can carry a text. @upstream goyaml.v2 emitterc.go yaml_emitter_analyze_scalar */
function analyze(text: string): { readonly plain: boolean; readonly single: boolean; readonly block: boolean } {
  if (text === "") return { plain: false, single: true, block: false };
  if (unprintable.test(text)) return { plain: false, single: false, block: false };
  if (/ \n/.test(text)) return { plain: false, single: false, block: false };
  const block = !text.endsWith(" ");
  const single = !/\n /.test(text);
  const hasSigns = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:\s|$))|:(?:\s|$)|\s#/.test(text);
  return { plain: !hasSigns && !/^[ \n]|[ \n]$|\n/.test(text), single, block };
}

// Tabs and what lies beyond the basic plane count as unprintable to go-yaml.
// oxlint-disable-next-line no-control-regex, no-misleading-character-class
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/;
// oxlint-disable-next-line no-control-regex, no-misleading-character-class
const escaped = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|[\u{10000}-\u{10ffff}]/gu;
const escapes: { readonly [char: string]: string } = {
  "\0": "\\0",
  "\u0007": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\u000b": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\u001b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\u0085": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};
function doubleQuoted(text: string): string {
  const inner = text.replaceAll(escaped, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const hex = code.toString(16).toUpperCase();
    return escapes[char] ?? (code <= 0xff ? `\\x${hex.padStart(2, "0")}` : code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`);
  });
  return `"${inner}"`;
}

const words = new Set(
  [
    "",
    "<<",
    "~",
    "null",
    "Null",
    "NULL",
    "true",
    "True",
    "TRUE",
    "false",
    "False",
    "FALSE",
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
  ].concat([".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"]),
);
const numbers = /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const timestamp =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2}))|(?: [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?))?$/;
/** Whether a plain text would be read as a boolean, number, null or time. */
function readsAsOther(text: string): boolean {
  return words.has(text) || numbers.test(text) || base60.test(text) || timestamp.test(text);
}

/** Go's shortest %g: an exponent below 1e-4 and from 1e6 on; whole numbers are integers up to 2^63. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return BigInt(value).toString();
  if (!Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  const [mantissa = "0", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
