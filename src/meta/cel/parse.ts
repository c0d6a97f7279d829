import { type CallExpr, CelSyntaxError, type Expr, type IdentExpr, type ListExpr, type MapExpr, type StructExpr } from "./ast.ts";
import { lex, type Token } from "./lex.ts";
import { expandMacro } from "./macros.ts";
import { bool, bytes, type CelType, double, int, string } from "./type.ts";
import { CelUint, type CelValue } from "./value.ts";

const maxDepth = 250;
/** Code points, as upstream's parser bounds them. */
const maxLength = 100_000;
/** Operators of one level side by side; each makes the tree deeper. */
const maxChain = 1000;
const reserved: ReadonlySet<string> = new Set("as,break,const,continue,else,for,function,if,import,let,loop,package,namespace,return,var,void,while".split(","));
const primaryExpected = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** An expression's tree, macros expanded. Throws CelSyntaxError. */
export function parse(text: string): Expr {
  if (text.length > maxLength) throw new CelSyntaxError(0, `expression code point size exceeds limit: size: ${text.length}, limit ${maxLength}`);
  return new Parser(lex(text)).whole();
}

const binary: readonly ReadonlySet<string>[] = [new Set(["==", "!=", "<", "<=", ">", ">=", "in"]), new Set(["+", "-"]), new Set(["*", "/", "%"])];

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expr {
    const expr = this.#expression();
    const rest = this.#peek();
    if (rest.type !== "end") {
      throw new CelSyntaxError(
        rest.at,
        rest.type === "punctuation" ? `Syntax error: mismatched input '${rest.text}' expecting <EOF>` : `Syntax error: extraneous input '${rest.text}' expecting <EOF>`,
      );
    }
    return expr;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { type: "end", text: "<EOF>", at: 0 };
  }
  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }
  /** Takes the sign if it comes next. */
  #accept(sign: string): Token | undefined {
    const token = this.#peek();
    if (token.text !== sign || (token.type !== "punctuation" && !(sign === "in" && token.type === "ident"))) return undefined;
    return this.#take();
  }
  #expect(sign: string): Token {
    const token = this.#accept(sign);
    if (token !== undefined) return token;
    const found = this.#peek();
    throw new CelSyntaxError(found.at, `Syntax error: missing '${sign}' at '${found.text}'`);
  }

  #expression(): Expr {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new CelSyntaxError(this.#peek().at, `expression recursion limit exceeded: ${maxDepth}`);
    const condition = this.#logical("||", () => this.#logical("&&", () => this.#binary(0)));
    const question = this.#accept("?");
    let result = condition;
    if (question !== undefined) {
      const yes = this.#logical("||", () => this.#logical("&&", () => this.#binary(0)));
      this.#expect(":");
      result = call(question.at, "_?_:_", [condition, yes, this.#expression()]);
    }
    this.#depth -= 1;
    return result;
  }

  /** A whole chain becomes one call, so that a long one is not deep. */
  #logical(sign: "&&" | "||", inner: () => Expr): Expr {
    const args = [inner()];
    let at: number | undefined;
    for (let token = this.#accept(sign); token !== undefined; token = this.#accept(sign)) {
      at ??= token.at;
      args.push(inner());
    }
    const [first] = args;
    return at === undefined && first !== undefined ? first : call(at ?? 0, `_${sign}_`, args);
  }

  #binary(level: number): Expr {
    const signs = binary[level];
    if (signs === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (let length = 0; ; length += 1) {
      const token = this.#peek();
      if (!signs.has(token.text) || (token.type !== "punctuation" && token.text !== "in") || token.type === "literal") return left;
      if (length >= maxChain) throw new CelSyntaxError(token.at, `expression recursion limit exceeded: ${maxChain}`);
      this.#take();
      left = call(token.at, token.text === "in" ? "@in" : `_${token.text}_`, [left, this.#binary(level + 1)]);
    }
  }

  #unary(): Expr {
    const first = this.#peek();
    if (first.type === "punctuation" && (first.text === "!" || first.text === "-")) {
      let count = 0;
      while (this.#accept(first.text) !== undefined) count += 1;
      const next = this.#peek();
      if (first.text === "-" && count % 2 === 1 && next.type === "literal" && (typeof next.value === "bigint" || typeof next.value === "number")) {
        this.#take();
        return this.#member(literal(first.at, -next.value));
      }
      const operand = this.#member(this.#primary());
      return count % 2 === 0 ? operand : call(first.at, `${first.text}_`, [operand]);
    }
    return this.#member(this.#primary());
  }

  #member(start: Expr): Expr {
    let left = start;
    for (let length = 0; ; length += 1) {
      if (length > maxChain) throw new CelSyntaxError(this.#peek().at, `expression recursion limit exceeded: ${maxChain}`);
      const dot = this.#accept(".");
      if (dot !== undefined) {
        const optional = this.#accept("?") !== undefined;
        const name = this.#take();
        if (name.type !== "ident" && name.type !== "quoted-ident") throw new CelSyntaxError(name.at, `Syntax error: mismatched input '${name.text}' expecting {'?', IDENTIFIER}`);
        const open = optional || name.type === "quoted-ident" ? undefined : this.#accept("(");
        if (open === undefined) left = { kind: "select", at: dot.at, operand: left, field: name.text, test: false, optional };
        else left = this.#called({ kind: "call", at: open.at, name: name.text, target: left, args: this.#args(")") });
        continue;
      }
      const bracket = this.#accept("[");
      if (bracket !== undefined) {
        const optional = this.#accept("?") !== undefined;
        const index = this.#expression();
        this.#expect("]");
        left = call(bracket.at, optional ? "_[?_]" : "_[_]", [left, index]);
        continue;
      }
      const brace = this.#peek();
      const structName = brace.text === "{" && brace.type === "punctuation" ? qualifiedName(left) : undefined;
      if (structName === undefined) return left;
      this.#take();
      left = this.#struct(structName, brace.at);
    }
  }

  #called(expr: CallExpr): Expr {
    return expandMacro(expr) ?? expr;
  }

  #args(end: string): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(end) !== undefined) return args;
    do {
      args.push(this.#expression());
    } while (this.#accept(",") !== undefined);
    this.#expect(end);
    return args;
  }

  #primary(): Expr {
    const token = this.#take();
    if (token.type === "literal" && token.value !== undefined) {
      if (token.magnitude !== undefined && token.magnitude >= 2n ** 63n) throw new CelSyntaxError(token.at, "invalid int literal");
      return literal(token.at, token.value);
    }
    if (token.type === "ident") return this.#identifier(token, "");
    if (token.type === "punctuation") {
      switch (token.text) {
        case "(": {
          const inner = this.#expression();
          this.#expect(")");
          return inner;
        }
        case "[":
          return this.#list(token.at);
        case "{":
          return this.#map(token.at);
        case ".": {
          const name = this.#take();
          if (name.type === "ident") return this.#identifier(name, ".");
          break;
        }
        default:
      }
    }
    throw new CelSyntaxError(token.at, `Syntax error: ${token.type === "end" ? "mismatched" : "extraneous"} input '${token.text}' expecting ${primaryExpected}`);
  }

  #identifier({ text, at }: Token, lead: string): Expr {
    if (lead === "") {
      if (text === "true" || text === "false") return literal(at, text === "true");
      if (text === "null") return { kind: "literal", at, value: null, type: { kind: "null" } };
      if (text === "in") throw new CelSyntaxError(at, `Syntax error: extraneous input 'in' expecting ${primaryExpected}`);
      if (reserved.has(text)) throw new CelSyntaxError(at, `reserved identifier: ${text}`);
    }
    const open = this.#accept("(");
    if (open === undefined) return { kind: "ident", at, name: text } satisfies IdentExpr;
    return this.#called({ kind: "call", at: open.at, name: text, target: undefined, args: this.#args(")") });
  }

  #list(at: number): Expr {
    const items: { value: Expr; optional: boolean }[] = [];
    while (this.#accept("]") === undefined) {
      if (items.length > 0) {
        this.#expect(",");
        if (this.#accept("]") !== undefined) break;
      }
      const optional = this.#accept("?") !== undefined;
      items.push({ optional, value: this.#expression() });
    }
    return { kind: "list", at, items } satisfies ListExpr;
  }

  #map(at: number): Expr {
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (this.#accept("}") === undefined) {
      if (entries.length > 0) {
        this.#expect(",");
        if (this.#accept("}") !== undefined) break;
      }
      const optional = this.#accept("?") !== undefined;
      const key = this.#expression();
      this.#expect(":");
      entries.push({ optional, key, value: this.#expression() });
    }
    return { kind: "map", at, entries } satisfies MapExpr;
  }

  #struct(name: string, at: number): Expr {
    const fields: StructExpr["fields"][number][] = [];
    while (this.#accept("}") === undefined) {
      if (fields.length > 0) {
        this.#expect(",");
        if (this.#accept("}") !== undefined) break;
      }
      const optional = this.#accept("?") !== undefined;
      const field = this.#take();
      if (field.type !== "ident" && field.type !== "quoted-ident") throw new CelSyntaxError(field.at, `Syntax error: mismatched input '${field.text}' expecting IDENTIFIER`);
      const colon = this.#expect(":");
      fields.push({ at: colon.at, name: field.text, optional, value: this.#expression() });
    }
    return { kind: "struct", at, name, fields };
  }
}

/** `a.b.c` when an expression is only names. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === "ident") return expr.name;
  if (expr.kind !== "select" || expr.test || expr.optional) return undefined;
  const head = qualifiedName(expr.operand);
  return head === undefined ? undefined : `${head}.${expr.field}`;
}

const call = (at: number, name: string, args: readonly Expr[]): CallExpr => ({ kind: "call", at, name, target: undefined, args });

function literal(at: number, value: CelValue): Expr {
  return { kind: "literal", at, value, type: literalType(value) };
}

function literalType(value: CelValue): CelType {
  if (typeof value === "bigint") return int;
  if (typeof value === "number") return double;
  if (typeof value === "boolean") return bool;
  if (typeof value === "string") return string;
  return value instanceof CelUint ? { kind: "uint" } : bytes;
}
