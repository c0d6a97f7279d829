import type { CelIssue, Expr } from "./ast.ts";
import type { Functions } from "./overload.ts";
import type { CelType } from "./type.ts";
import { CelCostError, type CelValue } from "./value.ts";

/** One evaluation under way: variables by slot, and what it has cost. */
export class Frame {
  readonly slots: CelValue[];
  readonly #limit: number;
  cost = 0;

  constructor(slots: CelValue[], limit: number) {
    this.slots = slots;
    this.#limit = limit;
  }

  charge(amount: number): void {
    this.cost += amount;
    if (this.cost > this.#limit) throw new CelCostError();
  }
}

/** A part of an expression, ready to run. */
export interface Compiled {
  readonly type: CelType;
  readonly run: (frame: Frame) => CelValue;
}

/** What an expression may speak of. */
export interface CelEnv {
  readonly variables: { readonly [name: string]: CelType };
  readonly functions: Functions;
  /** The type of `Name{…}`; undefined when there is none of that name. */
  structType?(name: string): CelType | undefined;
}

/** Which names stand for what at one place of an expression. */
export class Scope {
  readonly env: CelEnv;
  readonly issues: CelIssue[];
  readonly #names: ReadonlyMap<string, { readonly slot: number; readonly type: CelType }>;
  readonly #size: number;

  /** The type of every part, where somebody wants to know. */
  readonly types: Map<Expr, CelType> | undefined;

  constructor(
    env: CelEnv,
    issues: CelIssue[],
    {
      names,
      size,
      types,
    }: { readonly names?: ReadonlyMap<string, { readonly slot: number; readonly type: CelType }>; readonly size?: number; readonly types?: Map<Expr, CelType> | undefined } = {},
  ) {
    this.env = env;
    this.issues = issues;
    this.types = types;
    this.#names = names ?? new Map(Object.entries(env.variables).map(([name, type], slot) => [name, { slot, type }]));
    this.#size = size ?? this.#names.size;
  }

  variable(name: string): { readonly slot: number; readonly type: CelType } | undefined {
    return this.#names.get(name);
  }

  /** A scope with one more variable, which may hide another. */
  with(name: string, type: CelType): { readonly scope: Scope; readonly slot: number } {
    const slot = this.#size;
    return { slot, scope: new Scope(this.env, this.issues, { names: new Map(this.#names).set(name, { slot, type }), size: slot + 1, types: this.types }) };
  }

  report(at: number, message: string): void {
    this.issues.push({ at, message });
  }
}

export type Compile<Kind> = (expr: Kind, scope: Scope) => Compiled;
