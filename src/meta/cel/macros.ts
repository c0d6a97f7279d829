import { type CallExpr, CelSyntaxError, type Expr, type FoldMacro } from "./ast.ts";

/** What a call of a macro stands for; undefined when it is no macro. @upstream cel-go/parser/macro.go */
export function expandMacro(call: CallExpr): Expr | undefined {
  const { target, name, args, at } = call;
  if (target === undefined) return name === "has" && args.length === 1 ? presence(args[0], at) : undefined;
  switch (name) {
    case "all":
    case "exists":
      return fold(name, call, [2, 3]);
    case "exists_one":
      return fold("existsOne", call, [2]);
    case "existsOne":
      return fold("existsOne", call, [2, 3]);
    case "filter":
      return args.length === 2 ? fold("filter", call, [2]) : undefined;
    case "map":
      return args.length === 2 || args.length === 3 ? mapping(call, "map", 1) : undefined;
    case "transformList":
      return args.length === 3 || args.length === 4 ? mapping(call, "map", 2) : undefined;
    case "transformMap":
      return args.length === 3 || args.length === 4 ? mapping(call, "transformMap", 2) : undefined;
    case "transformMapEntry":
      return args.length === 3 || args.length === 4 ? mapping(call, "transformMapEntry", 2) : undefined;
    case "bind":
      return args.length === 3 && target.kind === "ident" && target.name === "cel" ? binding(call) : undefined;
    case "optMap":
    case "optFlatMap":
      return args.length === 2 ? optionalMapping(call) : undefined;
    default:
      return undefined;
  }
}

function presence(arg: Expr | undefined, at: number): Expr {
  if (arg?.kind !== "select") throw new CelSyntaxError(arg?.at ?? at, "invalid argument to has() macro");
  return { ...arg, at, test: true };
}

function variable(expr: Expr | undefined, at: number): string {
  if (expr?.kind !== "ident") throw new CelSyntaxError(expr?.at ?? at, "argument must be a simple name");
  return expr.name;
}

function fold(macro: FoldMacro, { target, args, at }: CallExpr, lengths: readonly number[]): Expr | undefined {
  const body = args[args.length - 1];
  if (!lengths.includes(args.length) || target === undefined || body === undefined) return undefined;
  const first = variable(args[0], at);
  return { kind: "fold", at, macro, range: target, first, second: args.length === 3 ? variable(args[1], at) : undefined, filter: undefined, body };
}

function binding({ args, at }: CallExpr): Expr | undefined {
  const [name, value, body] = args;
  if (value === undefined || body === undefined) return undefined;
  if (name?.kind !== "ident") throw new CelSyntaxError(name?.at ?? at, "cel.bind() variable names must be simple identifiers");
  return { kind: "bind", at, name: name.name, value, body };
}

/** `map(x, body)`, `map(x, filter, body)` and those of two variables. */
function mapping({ target, args, at }: CallExpr, macro: FoldMacro, variables: 1 | 2): Expr | undefined {
  const body = args[args.length - 1];
  if (target === undefined || body === undefined) return undefined;
  const second = variables === 2 ? variable(args[1], at) : undefined;
  const filter = args.length === variables + 2 ? args[variables] : undefined;
  return { kind: "fold", at, macro, range: target, first: variable(args[0], at), second, filter, body };
}

/** `a.optMap(x, e)` is `a` as a list of at most one item, mapped. The name tells the compiler. */
function optionalMapping({ target, args, at, name }: CallExpr): Expr | undefined {
  const body = args[1];
  if (target === undefined || body === undefined) return undefined;
  const range: Expr = { kind: "call", at, name: "@optionalItems", target: undefined, args: [target] };
  const mapped: Expr = { kind: "fold", at, macro: "map", range, first: variable(args[0], at), second: undefined, filter: undefined, body };
  return { kind: "call", at, name: name === "optMap" ? "@firstOptional" : "@firstFlat", target: undefined, args: [mapped] };
}
