import type { CallExpr, Expr } from "./ast.ts";
import type { Overload } from "./overload.ts";
import type { Compile, Compiled, Frame, Scope } from "./scope.ts";
import { assignable, bool, type CelType, dyn, joined, substitute, typeText } from "./type.ts";
import { CelCostError, CelError, type CelValue, isOfType, noSuchOverload } from "./value.ts";

const broken: Compiled = {
  type: dyn,
  run() {
    throw noSuchOverload();
  },
};

/** A call: the three operators that do not look at all they have, or the overload that fits. */
export function compileCall(expr: CallExpr, scope: Scope, compile: Compile<Expr>): Compiled {
  const { name, target, at } = expr;
  const args = name === "format" && target !== undefined ? expr.args.map(mixed) : expr.args;
  const parts = (target === undefined ? args : [target, ...args]).map((arg) => compile(arg, scope));
  if (target === undefined) {
    if (name === "_&&_" || name === "_||_") return logical(expr, parts, scope);
    if (name === "_?_:_") return conditional(expr, parts, scope);
  }
  const overloads = scope.env.functions.get(target === undefined ? name : `.${name}`);
  if (overloads === undefined) {
    scope.report(at, `undeclared reference to '${name}' (in container '')`);
    return broken;
  }
  return dispatch(expr, parts, overloads, scope);
}

/** What is printed side by side need not be of one type. */
function mixed(expr: Expr): Expr {
  if (expr.kind !== "list") return expr;
  return { ...expr, items: expr.items.map(({ value, optional }) => ({ optional, value: { kind: "call", at: value.at, name: "dyn", target: undefined, args: [value] } })) };
}

function noOverload({ name, target, at }: CallExpr, parts: readonly Compiled[], scope: Scope): Compiled {
  const types = parts.map(({ type }) => typeText(type));
  scope.report(at, `found no matching overload for '${name}' applied to '${target === undefined ? "" : `${types.shift() ?? ""}.`}(${types.join(", ")})'`);
  return broken;
}

/** True or false wins over an error on either side. */
function logical(expr: CallExpr, parts: readonly Compiled[], scope: Scope): Compiled {
  if (parts.some(({ type }) => type.kind !== "bool" && type.kind !== "dyn" && type.kind !== "param")) return noOverload(expr, parts, scope);
  const decisive = expr.name === "_||_";
  const runs = parts.map(({ run }) => run);
  return {
    type: bool,
    run(frame) {
      let failed: unknown;
      for (const run of runs) {
        try {
          const value = run(frame);
          if (value === decisive) return decisive;
          if (value !== !decisive) throw noSuchOverload();
        } catch (error) {
          if (!(error instanceof CelError) || error instanceof CelCostError) throw error;
          failed ??= error;
        }
      }
      if (failed !== undefined) throw failed;
      return !decisive;
    },
  };
}

function conditional(expr: CallExpr, parts: readonly Compiled[], scope: Scope): Compiled {
  const [condition, yes, no] = parts;
  if (condition === undefined || yes === undefined || no === undefined) return broken;
  const type = joined(yes.type, no.type);
  if (type === undefined || (condition.type.kind !== "bool" && condition.type.kind !== "dyn")) return noOverload(expr, parts, scope);
  const [test, left, right] = [condition.run, yes.run, no.run];
  return {
    type,
    run(frame) {
      const value = test(frame);
      if (value === true) return left(frame);
      if (value === false) return right(frame);
      throw noSuchOverload();
    },
  };
}

const isOpen = (type: CelType): boolean =>
  type.kind === "dyn" ||
  type.kind === "param" ||
  ((type.kind === "list" || type.kind === "optional") && isOpen(type.item)) ||
  (type.kind === "map" && (isOpen(type.key) || isOpen(type.value)));

function dispatch(expr: CallExpr, parts: readonly Compiled[], overloads: readonly Overload[], scope: Scope): Compiled {
  const fitting: { readonly overload: Overload; readonly result: CelType }[] = [];
  for (const overload of overloads) {
    if (overload.params.length !== parts.length) continue;
    const bound = new Map<string, CelType>();
    if (overload.params.every((param, index) => assignable(param, parts[index]?.type ?? dyn, bound))) fitting.push({ overload, result: substitute(overload.result, bound) });
  }
  const [only] = fitting;
  if (only === undefined) return noOverload(expr, parts, scope);
  const type = fitting.every(({ result }) => typeText(result) === typeText(only.result)) ? only.result : dyn;
  const certain = fitting.length === 1 && parts.every(({ type: given }) => !isOpen(given) && given.kind !== "null");
  const runs = parts.map(({ run }) => run);
  if (certain) return { type, run: direct(only.overload, runs) };
  const candidates = fitting.map(({ overload }) => overload);
  return {
    type,
    run(frame) {
      const args = runs.map((run) => run(frame));
      for (const overload of candidates) if (overload.params.every((param, index) => isOfType(args[index] ?? null, param))) return apply(overload, args, frame);
      throw noSuchOverload();
    },
  };
}

function apply({ call, cost }: Overload, args: CelValue[], frame: Frame): CelValue {
  frame.charge(cost === undefined ? 1 : 1 + cost(...args));
  return call(...args);
}

/** PERF: no list of arguments for the common sizes. */
function direct(overload: Overload, runs: readonly Compiled["run"][]): Compiled["run"] {
  const { call, cost } = overload;
  const [first, second] = runs;
  if (cost === undefined && runs.length === 1 && first !== undefined)
    return (frame) => {
      frame.charge(1);
      return call(first(frame));
    };
  if (cost === undefined && runs.length === 2 && first !== undefined && second !== undefined)
    return (frame) => {
      frame.charge(1);
      return call(first(frame), second(frame));
    };
  return (frame) =>
    apply(
      overload,
      runs.map((run) => run(frame)),
      frame,
    );
}
