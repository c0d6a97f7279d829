import { CelSyntaxError } from "./ast.ts";
import { CelUint, type CelValue } from "./value.ts";

/** One word of an expression. Literals carry their value. */
export interface Token {
  readonly type: "ident" | "quoted-ident" | "literal" | "punctuation" | "end";
  readonly text: string;
  readonly at: number;
  readonly value?: CelValue;
  /** An int one too large for itself, which fits after a minus. */
  readonly magnitude?: bigint;
}

const space = /(?:[ \t\r\n\f]+|\/\/[^\n]*)+/y;
const number = /0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)|[0-9]+[uU]?/y;
const ident = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const quotedIdent = /`[a-zA-Z0-9_.\-/ ]+`/y;
const stringStart = /([rR]?[bB]?|[bB][rR])("""|'''|"|')/y;
const punctuation = /==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()[\]{}]/y;
const encoder = new TextEncoder();

const largestInt = 2n ** 63n - 1n;
const largestUint = 2n ** 64n - 1n;

/** Cuts an expression into words; throws CelSyntaxError. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  for (;;) {
    at += match(space)?.[0].length ?? 0;
    if (at >= text.length) break;
    const quote = match(stringStart);
    if (quote !== null) {
      const { token, end } = readString(text, at, quote[1] ?? "", quote[2] ?? "");
      tokens.push(token);
      at = end;
      continue;
    }
    // `a.0` is no number, `.5` is.
    const digits = match(number);
    if (digits !== null) {
      tokens.push(readNumber(digits[0], at));
      at += digits[0].length;
      continue;
    }
    const word = match(ident);
    if (word !== null) {
      tokens.push({ type: "ident", text: word[0], at });
      at += word[0].length;
      continue;
    }
    const quoted = match(quotedIdent);
    if (quoted !== null) {
      tokens.push({ type: "quoted-ident", text: quoted[0].slice(1, -1), at });
      at += quoted[0].length;
      continue;
    }
    const sign = match(punctuation);
    if (sign === null) throw new CelSyntaxError(at, `Syntax error: token recognition error at: '${text[at] ?? ""}'`);
    tokens.push({ type: "punctuation", text: sign[0], at });
    at += sign[0].length;
  }
  tokens.push({ type: "end", text: "<EOF>", at });
  return tokens;
}

function readNumber(text: string, at: number): Token {
  const isHex = /^0[xX]/.test(text);
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1));
    if (value > largestUint) throw new CelSyntaxError(at, "invalid uint literal");
    return { type: "literal", text, at, value: new CelUint(value) };
  }
  if (!isHex && /[.eE]/.test(text)) return { type: "literal", text, at, value: Number(text) };
  const value = BigInt(text);
  if (value > largestInt + 1n) throw new CelSyntaxError(at, "invalid int literal");
  return { type: "literal", text, at, value, magnitude: value };
}

function readString(text: string, at: number, prefix: string, quote: string): { readonly token: Token; readonly end: number } {
  const start = at + prefix.length + quote.length;
  const [raw, isBytes] = [/r/i.test(prefix), /b/i.test(prefix)];
  let end = start;
  for (; !text.startsWith(quote, end); end += 1) {
    if (end >= text.length || (quote.length === 1 && (text[end] === "\n" || text[end] === "\r")))
      throw new CelSyntaxError(at, `Syntax error: token recognition error at: '${text.slice(at, end)}'`);
    if (!raw && text[end] === "\\") end += 1;
  }
  const content = text.slice(start, end).replaceAll("\r\n", "\n");
  const value = raw ? (isBytes ? encoder.encode(content) : content) : isBytes ? unescapeBytes(content, at) : unescapeText(content, at);
  return { token: { type: "literal", text: text.slice(at, end + quote.length), at, value }, end: end + quote.length };
}

const escape = /\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]|$))/g;
const simple: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescapeText(content: string, at: number): string {
  if (!content.includes("\\")) return content;
  return content.replace(escape, (_, plain?: string, hex?: string, four?: string, eight?: string, octal?: string) => {
    if (plain !== undefined) return simple[plain] ?? plain;
    const code = octal === undefined ? Number.parseInt(hex ?? four ?? eight ?? "x", 16) : Number.parseInt(octal, 8);
    if (!(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw new CelSyntaxError(at, "unable to unescape string");
    return String.fromCodePoint(code);
  });
}

function unescapeBytes(content: string, at: number): Uint8Array {
  const out: number[] = [];
  let last = 0;
  for (const match of content.matchAll(escape)) {
    out.push(...encoder.encode(content.slice(last, match.index)));
    const [whole, plain, hex, , , octal] = match;
    if (plain !== undefined) out.push(...encoder.encode(simple[plain] ?? plain));
    else if (hex !== undefined) out.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) out.push(Number.parseInt(octal, 8));
    else throw new CelSyntaxError(at, "unable to unescape string");
    last = match.index + whole.length;
  }
  out.push(...encoder.encode(content.slice(last)));
  return Uint8Array.from(out);
}
