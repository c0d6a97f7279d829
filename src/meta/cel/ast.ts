import type { CelValue } from "./value.ts";
import type { CelType } from "./type.ts";

/** A parsed expression; `at` is the offset that messages point to. `self.x > 1` is a call of `_>_` on a select and a literal. */
export type Expr = LiteralExpr | IdentExpr | SelectExpr | CallExpr | ListExpr | MapExpr | StructExpr | FoldExpr | BindExpr;

export interface LiteralExpr {
  readonly kind: "literal";
  readonly at: number;
  readonly value: CelValue;
  readonly type: CelType;
}
export interface IdentExpr {
  readonly kind: "ident";
  readonly at: number;
  readonly name: string;
}
export interface SelectExpr {
  readonly kind: "select";
  readonly at: number;
  readonly operand: Expr;
  readonly field: string;
  /** `has(a.b)` */
  readonly test: boolean;
  /** `a.?b` */
  readonly optional: boolean;
}
export interface CallExpr {
  readonly kind: "call";
  readonly at: number;
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}
export interface ListExpr {
  readonly kind: "list";
  readonly at: number;
  readonly items: readonly { readonly value: Expr; readonly optional: boolean }[];
}
export interface MapExpr {
  readonly kind: "map";
  readonly at: number;
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[];
}
export interface StructExpr {
  readonly kind: "struct";
  readonly at: number;
  readonly name: string;
  readonly fields: readonly { readonly at: number; readonly name: string; readonly value: Expr; readonly optional: boolean }[];
}

export type FoldMacro = "all" | "exists" | "existsOne" | "map" | "filter" | "transformMap" | "transformMapEntry";

/** A comprehension. `range.map(x, filter, body)`; with `second` the first variable is the index or key. */
export interface FoldExpr {
  readonly kind: "fold";
  readonly at: number;
  readonly macro: FoldMacro;
  readonly range: Expr;
  readonly first: string;
  readonly second: string | undefined;
  readonly filter: Expr | undefined;
  readonly body: Expr;
}

/** `cel.bind(name, value, body)`: the body with a name for a value, which is worked out at most once. */
export interface BindExpr {
  readonly kind: "bind";
  readonly at: number;
  readonly name: string;
  readonly value: Expr;
  readonly body: Expr;
}

/** One thing wrong with an expression. */
export interface CelIssue {
  readonly at: number;
  readonly message: string;
}

/** Thrown for text that cannot be read. */
export class CelSyntaxError extends Error {
  override readonly name = "CelSyntaxError";
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}
