import type { CelType } from "../type.ts";
import type { Call, CallCost } from "./library-cost.ts";
import { matchCost, perChar } from "./library-cost.ts";
import { type Node, sizeOrUnknown } from "./node.ts";
import { add, fixed, multiply, type Range, scale, union } from "./range.ts";

const isOpen = (type: CelType | undefined): boolean => type === undefined || type.kind === "dyn" || type.kind === "param";
const mayBe = (node: Node | undefined, kind: CelType["kind"]): boolean => isOpen(node?.type) || node?.type.kind === kind;
const orElse = (...costs: readonly (CallCost | undefined)[]): CallCost => {
  const known = costs.filter((cost) => cost !== undefined);
  const [first = { cost: fixed(1) }, ...others] = known;
  return others.reduce(
    (sum, other) => ({ cost: union(sum.cost, other.cost), size: sum.size === undefined ? other.size : other.size === undefined ? sum.size : union(sum.size, other.size) }),
    first,
  );
};

/** The functions of the language beside their arguments. Where types are open, what covers all that may be meant. @upstream cel-go/checker/cost.go functionCost */
export function languageCost({ name, target, args }: Call): CallCost {
  const [first, second] = args;
  switch (name) {
    case "format":
      return target === undefined ? one : { cost: scale(sizeOrUnknown(target), perChar) };
    case "bytes":
      return first?.type.kind === "string" ? converted(first, ({ min, max }) => ({ min, max: max * 4 })) : one;
    case "string":
      return first?.type.kind === "bytes" ? converted(first, ({ min, max }) => ({ min: Math.floor(min / 4), max })) : one;
    case "strings.quote":
      return first === undefined ? one : converted(first, ({ min, max }) => ({ min: min + 2, max: max * 2 + 2 }));
    case "startsWith":
    case "endsWith":
      return first === undefined ? one : { cost: scale(sizeOrUnknown(first), perChar) };
    case "matches":
      return target === undefined || first === undefined ? one : { cost: matchCost(sizeOrUnknown(target), sizeOrUnknown(first)) };
    case "contains":
      return target === undefined || first === undefined ? one : { cost: multiply(scale(sizeOrUnknown(target), perChar), scale(sizeOrUnknown(first), perChar)) };
    case "@in":
      return second === undefined ? one : orElse(mayBe(second, "list") ? { cost: scale(sizeOrUnknown(second), 1) } : undefined, mayBe(second, "map") ? one : undefined);
    case "_+_":
      return first === undefined || second === undefined ? one : sumCost(first, second);
    case "_<_":
    case "_<=_":
    case "_>_":
    case "_>=_":
      return first === undefined || second === undefined ? one : orderCost(first, second);
    case "_==_":
    case "_!=_":
      return first === undefined || second === undefined ? one : { cost: comparedCost(first, second) };
    default:
      return one;
  }
}

const one: CallCost = { cost: fixed(1) };

function converted(from: Node, size: (size: Range) => Range): CallCost {
  return { cost: scale(sizeOrUnknown(from), perChar), size: size(sizeOrUnknown(from)) };
}

function sumCost(left: Node, right: Node): CallCost {
  const size = add(sizeOrUnknown(left), sizeOrUnknown(right));
  const both = (kind: CelType["kind"]): boolean => mayBe(left, kind) && mayBe(right, kind);
  const isText = both("string") || both("bytes");
  const isOther = isOpen(left.type) ? isOpen(right.type) || !["string", "bytes", "list"].includes(right.type.kind) : !["string", "bytes", "list"].includes(left.type.kind);
  return orElse(isText ? { cost: scale(size, perChar), size } : undefined, both("list") ? { cost: fixed(1), size } : undefined, isOther ? one : undefined);
}

function orderCost(left: Node, right: Node): CallCost {
  const isText = (mayBe(left, "string") && mayBe(right, "string")) || (mayBe(left, "bytes") && mayBe(right, "bytes"));
  const isOther = isOpen(left.type) && isOpen(right.type);
  return orElse(isText ? { cost: comparedCost(left, right) } : undefined, isText && !isOther ? undefined : one);
}

/** At most as far as the shorter one goes. */
function comparedCost(left: Node, right: Node): Range {
  const max = Math.min(sizeOrUnknown(left).max, sizeOrUnknown(right).max);
  return scale({ min: max > 0 ? 1 : 0, max }, perChar);
}
