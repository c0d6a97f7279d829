import type { BindExpr, CallExpr, Expr, FoldExpr, IdentExpr, ListExpr, MapExpr, SelectExpr, StructExpr } from "../ast.ts";
import { type CelType, dyn } from "../type.ts";
import { languageCost } from "./language-cost.ts";
import { libraryCost } from "./library-cost.ts";
import { type Entries, type Node, type SizeOf, sizeOrUnknown, typeSize, writtenSize } from "./node.ts";
import { add, fixed, multiply, nothing, type Range, union } from "./range.ts";

const LIST = 10;
const MAP = 30;
const STRUCT = 40;

interface Local {
  readonly path: readonly string[] | undefined;
  readonly size: Range | undefined;
  readonly entries: Entries | undefined;
}

export interface EstimateOptions {
  /** Of every part of the expression, as the checker found it. */
  readonly types: ReadonlyMap<Expr, CelType>;
  readonly sizeOf: SizeOf;
}

/**
 * What an expression costs at least and at most, before it has seen a value: walks over it as cel-go does over what its
 * macros expand to. @upstream cel-go/checker/cost.go
 */
export function estimateCost(expr: Expr, options: EstimateOptions): Range {
  return new Estimate(options).node(expr, new Map()).cost;
}

type Locals = ReadonlyMap<string, Local>;

class Estimate {
  readonly #options: EstimateOptions;

  constructor(options: EstimateOptions) {
    this.#options = options;
  }

  node(expr: Expr, locals: Locals): Node {
    switch (expr.kind) {
      case "literal":
        return this.#sized({ expr, cost: nothing });
      case "ident":
        return this.#ident(expr, locals);
      case "select":
        return this.#select(expr, locals);
      case "call":
        return this.#call(expr, locals);
      case "list":
        return this.#list(expr, locals);
      case "map":
        return this.#map(expr, locals);
      case "struct":
        return this.#struct(expr, locals);
      case "fold":
        return this.#fold(expr, locals);
      default:
        return this.#bind(expr, locals);
    }
  }

  /** With its type, and its size: what was worked out, what is written, what the path leads to, what the type says, what the variable holds. */
  #sized(part: Omit<Node, "type">, fallback?: Range): Node {
    const { expr, path } = part;
    const type = this.#options.types.get(expr) ?? dyn;
    const known = path === undefined || path.length === 0 ? undefined : this.#options.sizeOf(path);
    return { ...part, type, size: part.size ?? writtenSize(expr) ?? known ?? typeSize(type) ?? fallback };
  }

  #ident(expr: IdentExpr, locals: Locals): Node {
    const local = locals.get(expr.name);
    const path = local === undefined ? [expr.name] : local.path;
    return this.#sized({ expr, cost: fixed(1), path, entries: local?.entries }, local?.size);
  }

  #select(expr: SelectExpr, locals: Locals): Node {
    const operand = this.node(expr.operand, locals);
    // To ask whether a field is there costs nothing here.
    if (expr.test) return this.#sized({ expr, cost: operand.cost });
    const { kind } = operand.type;
    const charged = expr.optional || kind === "map" || kind === "object" || kind === "param";
    return this.#sized({ expr, cost: charged ? add(operand.cost, fixed(1)) : operand.cost, path: [...(operand.path ?? []), expr.field] });
  }

  #call(expr: CallExpr, locals: Locals): Node {
    const optional = this.#optionalMacro(expr, locals);
    if (optional !== undefined) return optional;
    const target = expr.target === undefined || this.#isPrefix(expr.target, locals) ? undefined : this.node(expr.target, locals);
    const args = expr.args.map((arg) => this.node(arg, locals));
    const [first, second, third] = args;
    const costs = add(...args.map(({ cost }) => cost));
    if (expr.name === "dyn" && first !== undefined) return this.#sized({ expr, cost: add(first.cost, fixed(1)), size: first.size, entries: first.entries });
    if (expr.name === "_&&_" || expr.name === "_||_") return this.#sized({ expr, cost: { min: first?.cost.min ?? 0, max: costs.max } });
    if (expr.name === "_?_:_" && first !== undefined && second !== undefined && third !== undefined) return this.#conditional(expr, first, second, third);
    const call = { name: this.#nameOf(expr, locals), target, args, sizeOf: this.#options.sizeOf };
    const { cost, size } = libraryCost(call) ?? languageCost(call);
    const whole = add(cost, costs, target?.cost ?? nothing);
    if (expr.name === "_[_]" && first !== undefined) {
      const isList = first.type.kind === "list";
      return this.#sized({ expr, cost: whole, path: [...(first.path ?? []), isList ? "@items" : "@values"], size: first.entries?.value });
    }
    const entries = expr.name === "_+_" && first?.entries !== undefined && second?.entries !== undefined ? bothEntries(first.entries, second.entries) : undefined;
    return this.#sized({ expr, cost: whole, size, entries });
  }

  /** `sets.contains(a, b)`: no receiver, but a part of the function's name. */
  #isPrefix(target: Expr, locals: Locals): boolean {
    return target.kind === "ident" && !locals.has(target.name) && !this.#options.types.has(target);
  }

  #nameOf({ name, target }: CallExpr, locals: Locals): string {
    return target?.kind === "ident" && this.#isPrefix(target, locals) ? `${target.name}.${name}` : name;
  }

  #conditional(expr: CallExpr, test: Node, yes: Node, no: Node): Node {
    const entries = yes.entries !== undefined && no.entries !== undefined ? bothEntries(yes.entries, no.entries) : undefined;
    return this.#sized({ expr, cost: add(test.cost, union(yes.cost, no.cost)), size: union(sizeOrUnknown(yes), sizeOrUnknown(no)), entries });
  }

  /** `a.optMap(x, e)` is `a.hasValue() ? optional.of(bind x = a.value() in e) : optional.none()`. */
  #optionalMacro(expr: CallExpr, locals: Locals): Node | undefined {
    const [fold] = expr.args;
    if ((expr.name !== "@firstOptional" && expr.name !== "@firstFlat") || fold?.kind !== "fold" || fold.range.kind !== "call") return undefined;
    const [source] = fold.range.args;
    if (source === undefined) return undefined;
    const target = this.node(source, locals);
    const body = this.node(fold.body, new Map(locals).set(fold.first, { path: undefined, size: undefined, entries: undefined }));
    const bound = add(fixed(LIST + 1), target.cost, body.cost);
    const yes = expr.name === "@firstOptional" ? add(bound, fixed(1)) : bound;
    return this.#sized({ expr, cost: add(target.cost, fixed(1), union(yes, fixed(1))) });
  }

  #list(expr: ListExpr, locals: Locals): Node {
    const items = expr.items.map(({ value }) => this.node(value, locals));
    const value = items.length === 0 ? nothing : items.map(sizeOrUnknown).reduce(union);
    return this.#sized({ expr, cost: add(fixed(LIST), ...items.map(({ cost }) => cost)), entries: { container: "list", key: fixed(1), value } });
  }

  #map(expr: MapExpr, locals: Locals): Node {
    const keys = expr.entries.map(({ key }) => this.node(key, locals));
    const values = expr.entries.map(({ value }) => this.node(value, locals));
    const of = (nodes: readonly Node[]): Range => (nodes.length === 0 ? nothing : nodes.map(sizeOrUnknown).reduce(union));
    const cost = add(fixed(MAP), ...[...keys, ...values].map((node) => node.cost));
    return this.#sized({ expr, cost, entries: { container: "map", key: of(keys), value: of(values) } });
  }

  #struct(expr: StructExpr, locals: Locals): Node {
    return this.#sized({ expr, cost: add(fixed(STRUCT), ...expr.fields.map(({ value }) => this.node(value, locals).cost)) });
  }

  /** Bound values are made of an empty loop. */
  #bind(expr: BindExpr, locals: Locals): Node {
    const value = this.node(expr.value, locals);
    const body = this.node(expr.body, new Map(locals).set(expr.name, { path: value.path, size: value.size, entries: value.entries }));
    return this.#sized({ expr, cost: add(fixed(LIST), value.cost, body.cost), size: body.size, entries: body.entries });
  }

  #fold(expr: FoldExpr, locals: Locals): Node {
    const range = this.node(expr.range, locals);
    const inner = this.#loopLocals(expr, range, locals);
    const body = this.node(expr.body, inner);
    const filter = expr.filter === undefined ? undefined : this.node(expr.filter, inner);
    const { begin, condition, step, result } = loopCosts(expr, body.cost, filter?.cost);
    const rounds = sizeOrUnknown(range);
    const cost = add(range.cost, begin, multiply(rounds, add(step, condition)), result);
    switch (expr.macro) {
      case "all":
      case "exists":
      case "existsOne":
        return this.#sized({ expr, cost, size: fixed(1) });
      case "filter":
        return this.#sized({ expr, cost, size: rounds, entries: range.entries ?? listEntries(this.#local(inner, expr.first)) });
      case "map":
        return this.#sized({ expr, cost, size: rounds, entries: { container: "list", key: fixed(1), value: sizeOrUnknown(body) } });
      default:
        return this.#sized({ expr, cost, size: rounds });
    }
  }

  #local(locals: Locals, name: string): Range | undefined {
    const local = locals.get(name);
    return (local?.path === undefined || local.path.length === 0 ? undefined : this.#options.sizeOf(local.path)) ?? local?.size;
  }

  #loopLocals({ first, second }: FoldExpr, range: Node, locals: Locals): Locals {
    const isList = range.entries === undefined ? range.type.kind === "list" : range.entries.container === "list";
    const at = (part: string, size: Range | undefined): Local => ({ path: [...(range.path ?? []), part], size, entries: undefined });
    const key = at(isList ? "@indices" : "@keys", range.entries?.key);
    const value = at(isList ? "@items" : "@values", range.entries?.value);
    const next = new Map(locals);
    if (second === undefined) return next.set(first, isList ? value : key);
    return next.set(first, key).set(second, value);
  }
}

const bothEntries = (a: Entries, b: Entries): Entries => ({ container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) });
const listEntries = (value: Range | undefined): Entries | undefined => (value === undefined ? undefined : { container: "list", key: fixed(1), value });

interface LoopCosts {
  readonly begin: Range;
  readonly condition: Range;
  readonly step: Range;
  readonly result: Range;
}

/** What cel-go's macros expand to: how the accumulator begins, whether to go on, what is done each time, what is made of it. */
function loopCosts({ macro }: FoldExpr, body: Range, filter: Range | undefined): LoopCosts {
  const unlessFiltered = (step: Range): Range => (filter === undefined ? step : add(filter, union(step, fixed(1))));
  switch (macro) {
    case "all":
      return { begin: nothing, condition: fixed(2), step: { min: 1, max: 1 + body.max }, result: fixed(1) };
    case "exists":
      return { begin: nothing, condition: fixed(3), step: { min: 1, max: 1 + body.max }, result: fixed(1) };
    case "existsOne":
      return { begin: nothing, condition: nothing, step: add(body, { min: 1, max: 2 }), result: fixed(2) };
    case "filter":
      return { begin: fixed(LIST), condition: nothing, step: add(body, { min: 1, max: LIST + 3 }), result: fixed(1) };
    case "map":
      return { begin: fixed(LIST), condition: nothing, step: unlessFiltered(add(body, fixed(LIST + 2))), result: fixed(1) };
    case "transformMap":
      return { begin: fixed(MAP), condition: nothing, step: unlessFiltered(add(body, fixed(3))), result: fixed(1) };
    default:
      return { begin: fixed(MAP), condition: nothing, step: unlessFiltered(add(body, fixed(2))), result: fixed(1) };
  }
}
