import type { Expr } from "../ast.ts";
import type { CelType } from "../type.ts";
import { CelDuration, CelTimestamp, CelUint, type CelValue } from "../value.ts";
import { fixed, type Range, unknownSize } from "./range.ts";

/** Sizes of what a list or map holds. */
export interface Entries {
  readonly container: "list" | "map";
  readonly key: Range;
  readonly value: Range;
}

/** A part of an expression as far as its cost is known. */
export interface Node {
  readonly expr: Expr;
  readonly type: CelType;
  /** Of evaluating it. */
  readonly cost: Range;
  /** From a variable on: `["self", "spec", "@items"]`; absent for what no variable leads to. */
  readonly path?: readonly string[] | undefined;
  readonly size?: Range | undefined;
  readonly entries?: Entries | undefined;
}

/** How large the value at a path can be, in characters, bytes, items or entries; undefined when nobody knows. */
export type SizeOf = (path: readonly string[]) => Range | undefined;

export const sizeOrUnknown = ({ size }: Node): Range => size ?? unknownSize;

/** The size that an expression shows by itself: of a literal, or of a list or map written out. */
export function writtenSize(expr: Expr): Range | undefined {
  if (expr.kind === "list") return fixed(expr.items.length);
  if (expr.kind === "map") return fixed(expr.entries.length);
  return expr.kind === "literal" ? literalSize(expr.value) : undefined;
}

function literalSize(value: CelValue): Range | undefined {
  if (typeof value === "string") return fixed(Array.from(value).length);
  if (value instanceof Uint8Array) return fixed(value.length);
  if (value === null || typeof value !== "object" || value instanceof CelUint || value instanceof CelTimestamp || value instanceof CelDuration) return fixed(1);
  return undefined;
}

/** One for what is of one size whatever it is. */
export function typeSize(type: CelType): Range | undefined {
  switch (type.kind) {
    case "bool":
    case "double":
    case "duration":
    case "int":
    case "timestamp":
    case "uint":
      return fixed(1);
    case "optional":
      return typeSize(type.item);
    default:
      return undefined;
  }
}
