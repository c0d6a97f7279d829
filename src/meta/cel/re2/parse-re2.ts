/** A regular expression's tree. Characters are code points; a set is sorted ranges. */
export type Node =
  | { readonly kind: "set"; readonly test: (code: number) => boolean }
  | { readonly kind: "assert"; readonly what: "line-start" | "line-end" | "text-start" | "text-end" | "word" | "not-word" }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly min: number; readonly max: number; readonly lazy: boolean };

/** Text that is no regular expression of RE2; the message is Go's. */
export class Re2Error extends Error {
  override readonly name = "Re2Error";
}
const fail = (code: string, part: string): Re2Error => new Re2Error(`error parsing regexp: ${code}: \`${part}\``);

interface Flags {
  readonly insensitive: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly swap: boolean;
}
type Test = (code: number) => boolean;

const digit: Test = (code) => code >= 48 && code <= 57;
const word: Test = (code) => digit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const space: Test = (code) => code === 32 || code === 9 || code === 10 || code === 12 || code === 13;
const not =
  (test: Test): Test =>
  (code) =>
    !test(code);
const perl: Readonly<Record<string, Test>> = { d: digit, D: not(digit), w: word, W: not(word), s: space, S: not(space) };
const posixSources: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  // oxlint-disable-next-line no-control-regex -- that is what the class is
  ascii: /[\0-\x7f]/,
  blank: /[\t ]/,
  // oxlint-disable-next-line no-control-regex -- that is what the class is
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
};
const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const maxRepeat = 1000;
const maxDepth = 500;

export function isWord(code: number | undefined): boolean {
  return code !== undefined && word(code);
}

/** Throws Re2Error. @upstream Go's regexp/syntax */
export function parseRe2(pattern: string): Node {
  return new Re2Parser(pattern).whole();
}

class Re2Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Node {
    const node = this.#choice({ insensitive: false, multiline: false, dotAll: false, swap: false });
    if (this.#at < this.#text.length) throw fail("unexpected )", this.#text);
    return node;
  }

  #choice(start: Flags): Node {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw fail("expression nests too deeply", this.#text);
    let flags = start;
    const choices: Node[] = [];
    let parts: Node[] = [];
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === ")") break;
      if (char === "|") {
        this.#at += 1;
        choices.push({ kind: "sequence", parts });
        parts = [];
        continue;
      }
      const only = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(this.#text.slice(this.#at, this.#at + 16));
      if (only !== null) {
        flags = changed(flags, only[1] ?? "", only[2] ?? "");
        this.#at += only[0].length;
        continue;
      }
      parts.push(...this.#repeated(flags));
    }
    this.#depth -= 1;
    const last: Node = { kind: "sequence", parts };
    return choices.length === 0 ? last : { kind: "choice", parts: [...choices, last] };
  }

  #repeated(flags: Flags): readonly Node[] {
    const start = this.#at;
    if (this.#text.startsWith("\\Q", this.#at)) return this.#quoted(flags);
    const part = this.#atom(flags);
    let node = part;
    for (let times = 0; ; times += 1) {
      const sign = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(this.#text.slice(this.#at, this.#at + 16));
      if (sign === null) return [node];
      if (times > 0) throw fail("invalid nested repetition operator", this.#text.slice(start, this.#at + sign[0].length));
      this.#at += sign[0].length;
      const lazy = this.#text[this.#at] === "?";
      if (lazy) this.#at += 1;
      const min = sign[1] === undefined ? (sign[0] === "+" ? 1 : 0) : Number(sign[1]);
      const max = sign[1] === undefined ? (sign[0] === "?" ? 1 : Infinity) : sign[2] === undefined ? min : sign[3] === "" ? Infinity : Number(sign[3]);
      if (min > maxRepeat || (max !== Infinity && (max > maxRepeat || max < min))) throw fail("invalid repeat count", sign[0]);
      node = { kind: "repeat", part: node, min, max, lazy: lazy !== flags.swap };
    }
  }

  #quoted(flags: Flags): readonly Node[] {
    const end = this.#text.indexOf("\\E", this.#at);
    const content = this.#text.slice(this.#at + 2, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    return Array.from(content).map((char) => charNode(char.codePointAt(0) ?? 0, flags));
  }

  #atom(flags: Flags): Node {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    const char = String.fromCodePoint(code);
    const start = this.#at;
    this.#at += char.length;
    switch (char) {
      case ".":
        return { kind: "set", test: flags.dotAll ? () => true : (found) => found !== 10 };
      case "^":
        return { kind: "assert", what: flags.multiline ? "line-start" : "text-start" };
      case "$":
        return { kind: "assert", what: flags.multiline ? "line-end" : "text-end" };
      case "(":
        return this.#group(flags);
      case "[":
        return { kind: "set", test: folded(this.#set(start), flags) };
      case "*":
      case "+":
      case "?":
        throw fail("missing argument to repetition operator", char);
      case "\\":
        return this.#escaped(flags);
      default:
        return charNode(code, flags);
    }
  }

  #group(outer: Flags): Node {
    let flags = outer;
    if (this.#text[this.#at] === "?") {
      const head = /^\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?:)/.exec(this.#text.slice(this.#at));
      if (head === null) throw fail("invalid or unsupported Perl syntax", `(${this.#text.slice(this.#at, this.#at + 2)}`);
      this.#at += head[0].length;
      flags = changed(flags, head[2] ?? "", head[3] ?? "");
    }
    const node = this.#choice(flags);
    if (this.#text[this.#at] !== ")") throw fail("missing closing )", this.#text);
    this.#at += 1;
    return node;
  }

  #escaped(flags: Flags): Node {
    const char = this.#text[this.#at];
    switch (char) {
      case undefined:
        throw new Re2Error("error parsing regexp: trailing backslash at end of expression: ``");
      case "A":
        this.#at += 1;
        return { kind: "assert", what: "text-start" };
      case "z":
        this.#at += 1;
        return { kind: "assert", what: "text-end" };
      case "b":
      case "B":
        this.#at += 1;
        return { kind: "assert", what: char === "b" ? "word" : "not-word" };
      default: {
        const found = this.#escape();
        return typeof found === "number" ? charNode(found, flags) : { kind: "set", test: folded(found, flags) };
      }
    }
  }

  /** After a backslash: a character, or a class of them. */
  #escape(): number | Test {
    const rest = this.#text.slice(this.#at, this.#at + 64);
    const take = <Value>(length: number, value: Value): Value => {
      this.#at += length;
      return value;
    };
    const char = rest[0] ?? "";
    const known = perl[char];
    if (known !== undefined) return take(1, known);
    const control = controls[char];
    if (control !== undefined) return take(1, control);
    const property = /^[pP](?:\{(\^?)(\w+)\}|([A-Za-z]))/.exec(rest);
    if (property !== null) return take(property[0].length, propertyTest(property[2] ?? property[3] ?? "", (char === "P") !== (property[1] === "^"), property[0]));
    const hex = /^x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(rest);
    if (hex !== null) return take(hex[0].length, Number.parseInt(hex[1] ?? hex[2] ?? "0", 16));
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal !== null) return take(octal[0].length, Number.parseInt(octal[0], 8));
    if (/^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e ]/.test(char)) return take(1, char.charCodeAt(0));
    throw fail("invalid escape sequence", `\\${char}`);
  }

  #set(start: number): Test {
    const negated = this.#text[this.#at] === "^";
    if (negated) this.#at += 1;
    const tests: Test[] = [];
    for (let first = true; ; first = false) {
      const char = this.#text[this.#at];
      if (char === undefined) throw fail("missing closing ]", this.#text.slice(start));
      if (char === "]" && !first) break;
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at, this.#at + 16));
      if (posix !== null) {
        const source = posixSources[posix[2] ?? ""];
        if (source === undefined) throw fail("invalid character class range", posix[0]);
        const inClass: Test = (code) => source.test(String.fromCodePoint(code));
        tests.push(posix[1] === "^" ? not(inClass) : inClass);
        this.#at += posix[0].length;
        continue;
      }
      const from = this.#at;
      const low = this.#setChar();
      if (typeof low !== "number") {
        tests.push(low);
        continue;
      }
      let high = low;
      if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]" && this.#text[this.#at + 1] !== undefined) {
        this.#at += 1;
        const end = this.#setChar();
        if (typeof end !== "number" || end < low) throw fail("invalid character class range", this.#text.slice(from, this.#at));
        high = end;
      }
      tests.push((code) => code >= low && code <= high);
    }
    this.#at += 1;
    const any: Test = (code) => tests.some((test) => test(code));
    return negated ? not(any) : any;
  }

  #setChar(): number | Test {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code === 92 ? this.#escape() : code;
  }
}

function changed(flags: Flags, on: string, off: string): Flags {
  const is = (letter: string, now: boolean): boolean => (on.includes(letter) ? true : off.includes(letter) ? false : now);
  return { insensitive: is("i", flags.insensitive), multiline: is("m", flags.multiline), dotAll: is("s", flags.dotAll), swap: is("U", flags.swap) };
}

function propertyTest(name: string, negated: boolean, text: string): Test {
  let expression: RegExp | undefined;
  for (const form of [name, `Script=${name}`]) {
    try {
      expression ??= new RegExp(`^\\p{${form}}$`, "u");
    } catch {
      // The other form, or none.
    }
  }
  if (expression === undefined) throw fail("invalid character class range", `\\${text}`);
  const found = expression;
  const test: Test = (code) => found.test(String.fromCodePoint(code));
  return negated ? not(test) : test;
}

/** With the flag i, a class has a character when it has it in either case. */
function folded(test: Test, { insensitive }: Flags): Test {
  if (!insensitive) return test;
  return (code) => {
    const char = String.fromCodePoint(code);
    return test(code) || test(char.toLowerCase().codePointAt(0) ?? code) || test(char.toUpperCase().codePointAt(0) ?? code);
  };
}

function charNode(code: number, flags: Flags): Node {
  return { kind: "set", test: folded((found) => found === code, flags) };
}
