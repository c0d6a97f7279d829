import { type CelIssue, CelSyntaxError, type Expr } from "./ast.ts";
import { compile } from "./compile.ts";
import { estimateCost } from "./cost/estimate.ts";
import type { SizeOf } from "./cost/node.ts";
import { parse } from "./parse.ts";
import { type CelEnv, type Compiled, Frame, Scope } from "./scope.ts";
import { type CelType, dyn } from "./type.ts";
import { CelError, type CelValue } from "./value.ts";

/** What one evaluation may cost unless told otherwise. @upstream apiserver/pkg/apis/cel/config.go PerCallLimit */
export const perCallCostLimit = 1_000_000;

/** A compiled expression; safe to evaluate again and again. */
export class Program {
  readonly type: CelType;
  readonly #names: readonly string[];
  readonly #run: Compiled["run"];

  constructor(names: readonly string[], { type, run }: Compiled) {
    this.#names = names;
    this.type = type;
    this.#run = run;
  }

  /** The value, or what went wrong, and the cost either way. Variables that are not bound are null. */
  evaluate(bindings: { readonly [name: string]: CelValue }, costLimit = perCallCostLimit): { readonly value: CelValue | CelError; readonly cost: number } {
    const frame = new Frame(
      this.#names.map((name) => bindings[name] ?? null),
      costLimit,
    );
    try {
      const value = this.#run(frame);
      return { value, cost: frame.cost };
    } catch (error) {
      if (error instanceof CelError) return { value: error, cost: frame.cost };
      if (error instanceof RangeError) return { value: new CelError("expression recursion limit exceeded"), cost: frame.cost };
      // An int met a double in a list of both.
      if (error instanceof TypeError) return { value: new CelError("no such overload"), cost: frame.cost };
      return { value: new CelError(error instanceof Error ? error.message : String(error)), cost: frame.cost };
    }
  }
}

export interface CompileErrors {
  readonly issues: readonly CelIssue[];
  /** All of them, as cel-go shows them with the lines they are on. */
  readonly message: string;
}

/** Parses, checks and compiles. */
export function compileCel(text: string, env: CelEnv): Program | CompileErrors {
  const checked = checkCel(text, env);
  if ("issues" in checked) return checked;
  const { compiled } = checked;
  return new Program(Object.keys(env.variables), compiled.type.kind === "param" ? { ...compiled, type: dyn } : compiled);
}

/** What an expression costs at most, before it has seen a value; undefined when it does not compile. */
export function mostCost(text: string, env: CelEnv, sizeOf: SizeOf): number | undefined {
  const types = new Map<Expr, CelType>();
  const checked = checkCel(text, env, types);
  return "issues" in checked ? undefined : estimateCost(checked.tree, { types, sizeOf }).max;
}

function checkCel(text: string, env: CelEnv, types?: Map<Expr, CelType>): { readonly tree: Expr; readonly compiled: Compiled } | CompileErrors {
  const scope = new Scope(env, [], { types });
  let tree: Expr;
  let compiled: Compiled;
  try {
    tree = parse(text);
    compiled = compile(tree, scope);
  } catch (error) {
    if (error instanceof CelSyntaxError) return failed(text, [{ at: error.at, message: error.message }]);
    if (error instanceof RangeError) return failed(text, [{ at: 0, message: "expression recursion limit exceeded" }]);
    throw error;
  }
  return scope.issues.length > 0 ? failed(text, scope.issues) : { tree, compiled };
}

function failed(text: string, issues: readonly CelIssue[]): CompileErrors {
  const sorted = [...issues].sort((a, b) => a.at - b.at);
  return { issues: sorted, message: sorted.map((issue) => issueText(text, issue)).join("\n") };
}

/** @upstream cel-go/common/error.go ToDisplayString */
function issueText(text: string, { at, message }: CelIssue): string {
  const start = (at === 0 ? -1 : text.lastIndexOf("\n", at - 1)) + 1;
  const end = text.indexOf("\n", start);
  const line = text.slice(start, end < 0 ? undefined : end).replaceAll("\t", " ");
  const number = text.slice(0, start).split("\n").length;
  return `ERROR: <input>:${number}:${at - start + 1}: ${message}\n | ${line}\n | ${".".repeat(at - start)}^`;
}
