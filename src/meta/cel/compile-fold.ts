import type { Expr, FoldExpr } from "./ast.ts";
import type { Compile, Compiled, Frame, Scope } from "./scope.ts";
import { bool, type CelType, dyn, int, listOf, mapOf, typeText } from "./type.ts";
import { ArrayList, CelCostError, CelError, CelList, CelMap, type CelValue, EntryMap, keyOf, noSuchOverload } from "./value.ts";

/** What the loop variables are over a range. */
function variables(range: CelType, two: boolean): { readonly first: CelType; readonly second: CelType } | undefined {
  switch (range.kind) {
    case "list":
      return two ? { first: int, second: range.item } : { first: range.item, second: dyn };
    case "map":
      return { first: range.key, second: range.value };
    case "dyn":
    case "param":
      return { first: dyn, second: dyn };
    default:
      return undefined;
  }
}

interface Loop {
  readonly range: Compiled["run"];
  readonly first: number;
  readonly second: number | undefined;
  readonly filter: Compiled["run"] | undefined;
  readonly body: Compiled["run"];
}

/** A macro that walks over a list or the keys of a map. */
export function compileFold(expr: FoldExpr, scope: Scope, compile: Compile<Expr>): Compiled {
  const range = compile(expr.range, scope);
  const types = variables(range.type, expr.second !== undefined);
  if (types === undefined) scope.report(expr.range.at, `expression of type '${typeText(range.type)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
  const one = scope.with(expr.first, types?.first ?? dyn);
  const two = expr.second === undefined ? undefined : one.scope.with(expr.second, types?.second ?? dyn);
  const inner = two?.scope ?? one.scope;
  const filter = expr.filter === undefined ? undefined : compile(expr.filter, inner);
  if (filter !== undefined) checkBool(filter, expr.filter?.at ?? expr.at, scope);
  const body = compile(expr.body, inner);
  if (expr.macro === "all" || expr.macro === "exists" || expr.macro === "existsOne" || expr.macro === "filter") checkBool(body, expr.body.at, scope);
  const loop: Loop = { range: range.run, first: one.slot, second: two?.slot, filter: filter?.run, body: body.run };
  switch (expr.macro) {
    case "all":
      return { type: bool, run: quantified(loop, false) };
    case "exists":
      return { type: bool, run: quantified(loop, true) };
    case "existsOne":
      return { type: bool, run: countsOne(loop) };
    case "filter":
      return { type: listOf(types?.first ?? dyn), run: filtered(loop) };
    case "map":
      return { type: listOf(body.type), run: mapped(loop) };
    case "transformMap":
      return { type: mapOf(types?.first ?? dyn, body.type), run: transformed(loop) };
    default:
      return { type: body.type.kind === "map" ? body.type : mapOf(dyn, dyn), run: reEntered(loop) };
  }
}

function checkBool({ type }: Compiled, at: number, scope: Scope): void {
  if (type.kind !== "bool" && type.kind !== "dyn" && type.kind !== "param") scope.report(at, `expected type 'bool' but found '${typeText(type)}'`);
}

/** Sets the loop variables for each round; the value is what `first` holds. */
function* rounds({ range, first, second }: Loop, frame: Frame): Iterable<CelValue> {
  const over = range(frame);
  const { slots } = frame;
  if (over instanceof CelList) {
    for (let index = 0; index < over.size; index += 1) {
      frame.charge(1);
      if (second === undefined) slots[first] = over.at(index);
      else {
        slots[first] = BigInt(index);
        slots[second] = over.at(index);
      }
      yield slots[first] ?? null;
    }
  } else if (over instanceof CelMap) {
    for (const key of over.keys()) {
      frame.charge(1);
      slots[first] = key;
      if (second !== undefined) slots[second] = over.get(key) ?? null;
      yield key;
    }
  } else throw noSuchOverload();
}

const absorbable = (error: unknown): boolean => error instanceof CelError && !(error instanceof CelCostError);

/** `all` and `exists`: a decisive item makes up for errors of others. */
function quantified(loop: Loop, decisive: boolean): Compiled["run"] {
  const { body } = loop;
  return (frame) => {
    let failed: unknown;
    for (const _ of rounds(loop, frame)) {
      try {
        const value = body(frame);
        if (value === decisive) return decisive;
        if (value !== !decisive) throw noSuchOverload();
      } catch (error) {
        if (!absorbable(error)) throw error;
        failed ??= error;
      }
    }
    if (failed !== undefined) throw failed;
    return !decisive;
  };
}

function test(value: CelValue): boolean {
  if (typeof value !== "boolean") throw noSuchOverload();
  return value;
}

function countsOne(loop: Loop): Compiled["run"] {
  return (frame) => {
    let count = 0;
    for (const _ of rounds(loop, frame)) if (test(loop.body(frame))) count += 1;
    return count === 1;
  };
}

function filtered(loop: Loop): Compiled["run"] {
  return (frame) => {
    const kept: CelValue[] = [];
    for (const item of rounds(loop, frame)) if (test(loop.body(frame))) kept.push(item);
    return new ArrayList(kept);
  };
}

function mapped(loop: Loop): Compiled["run"] {
  const { filter, body } = loop;
  return (frame) => {
    const made: CelValue[] = [];
    for (const _ of rounds(loop, frame)) if (filter === undefined || test(filter(frame))) made.push(body(frame));
    return new ArrayList(made);
  };
}

function transformed(loop: Loop): Compiled["run"] {
  const { filter, body } = loop;
  return (frame) => {
    const made = new Map<string, readonly [CelValue, CelValue]>();
    for (const key of rounds(loop, frame)) if (filter === undefined || test(filter(frame))) made.set(keyOf(key), [key, body(frame)]);
    return new EntryMap(made);
  };
}

function reEntered(loop: Loop): Compiled["run"] {
  const { filter, body } = loop;
  return (frame) => {
    const made = new Map<string, readonly [CelValue, CelValue]>();
    for (const _ of rounds(loop, frame)) {
      if (filter !== undefined && !test(filter(frame))) continue;
      const entries = body(frame);
      if (!(entries instanceof CelMap)) throw noSuchOverload();
      for (const key of entries.keys()) {
        const id = keyOf(key);
        if (made.has(id)) throw new CelError(`insert failed: key ${keyOf(key).slice(1)} already exists`);
        made.set(id, [key, entries.get(key) ?? null]);
      }
    }
    return new EntryMap(made);
  };
}
