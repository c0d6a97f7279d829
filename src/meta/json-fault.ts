// Says what is wrong with text that is not JSON, as Go's decoder says it. Runs only after a parser has failed.
// @upstream encoding/json/scanner.go

const blank = /[ \t\r\n]*/y;
const numberShape = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const endOfInput = "unexpected end of JSON input";

/** The message, or undefined when the text is JSON after all. */
export function jsonFault(text: string): string | undefined {
  // What each open bracket waits for: the word for what may follow.
  const open: ("object" | "array")[] = [];
  let at = skip(text, 0);
  let expect: "value" | "key" | "first key" | "first item" | "end" = "value";
  for (;;) {
    const char = text.charAt(at);
    if (expect === "end") {
      const inside = open.at(-1);
      if (inside === undefined) return char === "" ? undefined : invalid(text, at, "after top-level value");
      if (char === "") return endOfInput;
      if (char === ",") {
        expect = inside === "object" ? "key" : "value";
        at = skip(text, at + 1);
      } else if (char === (inside === "object" ? "}" : "]")) {
        open.pop();
        at = skip(text, at + 1);
      } else return invalid(text, at, inside === "object" ? "after object key:value pair" : "after array element");
      continue;
    }
    if (char === "") return endOfInput;
    if ((expect === "first key" && char === "}") || (expect === "first item" && char === "]")) {
      open.pop();
      at = skip(text, at + 1);
      expect = "end";
      continue;
    }
    if (expect === "key" || expect === "first key") {
      if (char !== '"') return invalid(text, at, "looking for beginning of object key string");
      const end = stringFault(text, at);
      if (typeof end === "string") return end;
      at = skip(text, end);
      if (at >= text.length) return endOfInput;
      if (text.charAt(at) !== ":") return invalid(text, at, "after object key");
      at = skip(text, at + 1);
      expect = "value";
      continue;
    }
    if (char === "{" || char === "[") {
      open.push(char === "{" ? "object" : "array");
      expect = char === "{" ? "first key" : "first item";
      at = skip(text, at + 1);
      continue;
    }
    const end = char === '"' ? stringFault(text, at) : scalarFault(text, at);
    if (typeof end === "string") return end;
    at = skip(text, end);
    expect = "end";
  }
}

function skip(text: string, at: number): number {
  blank.lastIndex = at;
  blank.test(text);
  return blank.lastIndex;
}

/** The offset after a string, or what is wrong with it. */
function stringFault(text: string, start: number): number | string {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') return at + 1;
    if (char < " ") return invalid(text, at, "in string literal");
    if (char !== "\\") continue;
    at += 1;
    const escape = text.charAt(at);
    if (escape === "") return endOfInput;
    if (escape === "u") {
      for (let digit = 1; digit <= 4; digit += 1) {
        if (at + digit >= text.length) return endOfInput;
        if (!/[0-9a-fA-F]/.test(text.charAt(at + digit))) return invalid(text, at + digit, "in \\u hexadecimal character escape");
      }
      at += 4;
    } else if (!'"\\/bfnrt'.includes(escape)) return invalid(text, at, "in string escape code");
  }
  return endOfInput;
}

/** The offset after a number or a literal, or what is wrong with it. */
function scalarFault(text: string, at: number): number | string {
  const char = text.charAt(at);
  for (const literal of ["true", "false", "null"]) {
    if (!literal.startsWith(char)) continue;
    for (let index = 1; index < literal.length; index += 1) {
      if (at + index >= text.length) return endOfInput;
      if (text.charAt(at + index) !== literal.charAt(index)) return invalid(text, at + index, `in literal ${literal} (expecting '${literal.charAt(index)}')`);
    }
    return at + literal.length;
  }
  if (char !== "-" && !/[0-9]/.test(char)) return invalid(text, at, "looking for beginning of value");
  numberShape.lastIndex = at;
  if (!numberShape.test(text)) return at + 1 >= text.length ? endOfInput : invalid(text, at + 1, "in numeric literal");
  const end = numberShape.lastIndex;
  const next = text.charAt(end);
  if (next === ".") return end + 1 >= text.length ? endOfInput : invalid(text, end + 1, "after decimal point in numeric literal");
  if (next === "e" || next === "E") return end + 1 >= text.length ? endOfInput : invalid(text, end + 1, "in exponent of numeric literal");
  return end;
}

function invalid(text: string, at: number, where: string): string {
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const shown = char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${JSON.stringify(char).slice(1, -1)}'`;
  return `invalid character ${shown} ${where}`;
}
