import { libraryTypes } from "../overload.ts";
import { type CelType, typeText } from "../type.ts";
import { type Node, type SizeOf, sizeOrUnknown } from "./node.ts";
import { add, fixed, multiply, nothing, type Range, scale, unknownSize } from "./range.ts";

/** Of looking at one character, and of one character of a regular expression. @upstream cel-go/common/cost.go */
export const perChar = 0.1;
export const perPatternChar = 0.25;
const longestFormatPattern = 128;
const longestFormat = 64;
const LIST = 10;
const STRUCT = 40;

/** What a call costs beside its receiver and arguments, and how large its result is. */
export interface CallCost {
  readonly cost: Range;
  readonly size?: Range | undefined;
}

export interface Call {
  readonly name: string;
  readonly target: Node | undefined;
  readonly args: readonly Node[];
  readonly sizeOf: SizeOf;
}

const one: CallCost = { cost: fixed(1) };
const accessors = new Set(
  (
    "serviceAccount,path,group,resource,subresource,namespace,name,allowed,reason,error,errored,masked,prefixLength,family,isUnspecified,isLoopback," +
    "isLinkLocalMulticast,isLinkLocalUnicast,isGlobalUnicast,sign,asInteger,isInteger,asApproximateFloat,isGreaterThan,isLessThan,compareTo,add,sub,major,minor,patch," +
    "getScheme,getHostname,getHost,getPort,getEscapedPath,getQuery,format.named"
  ).split(","),
);
const cheapToCompare = new Set<string>([
  libraryTypes.IP,
  libraryTypes.CIDR,
  libraryTypes.Quantity,
  libraryTypes.Semver,
  libraryTypes.URL,
  libraryTypes.Authorizer,
  libraryTypes.PathCheck,
  libraryTypes.GroupCheck,
  libraryTypes.ResourceCheck,
  libraryTypes.Decision,
]);

/** The functions of Kubernetes; undefined for those of the language. @upstream apiserver/pkg/cel/library/cost.go EstimateCallCost */
export function libraryCost(call: Call): CallCost | undefined {
  const { name, target, args } = call;
  const [first, second] = args;
  if (accessors.has(name)) return one;
  switch (name) {
    case "check":
      return { cost: fixed(350_000) };
    case "fieldSelector":
    case "labelSelector":
      return args.length === 1 && first !== undefined ? { cost: selectorCost(sizeOrUnknown(first)) } : undefined;
    case "isSorted":
    case "sum":
    case "max":
    case "min":
    case "indexOf":
    case "lastIndexOf":
      return target === undefined ? undefined : { cost: eachItemCost(target, call.sizeOf) };
    case "url":
    case "jsonpatch.escapeKey":
      return args.length === 1 && first !== undefined ? sameSize(first) : undefined;
    case "lowerAscii":
    case "upperAscii":
    case "substring":
    case "trim":
      return target === undefined ? undefined : sameSize(target);
    case "replace":
      return target === undefined || first === undefined || second === undefined ? undefined : replaceCost(target, first, second);
    case "split":
      return target === undefined ? undefined : { cost: scale(sizeOrUnknown(target), 2 * perChar), size: { min: 0, max: splitMost(target, second) } };
    case "join":
      return target === undefined ? undefined : joinCost(target, first, call.sizeOf);
    case "find":
    case "findAll":
      return target === undefined || first === undefined
        ? undefined
        : { cost: matchCost(sizeOrUnknown(target), sizeOrUnknown(first)), size: { min: 0, max: sizeOrUnknown(target).max } };
    case "ip":
      // Of a text it is a function, and costs what any call costs.
      return target === undefined ? undefined : one;
    case "containsIP":
    case "containsCIDR":
      return target === undefined || first === undefined ? undefined : { cost: containsCost(name, first) };
    case "validate":
      return target === undefined || first === undefined ? undefined : { cost: scale(scale(sizeOrUnknown(first), perChar), longestFormatPattern * perPatternChar) };
    case "sets.contains":
    case "sets.intersects":
    case "sets.equivalent":
      return first === undefined || second === undefined ? undefined : { cost: setsCost(first, second, name === "sets.equivalent" ? 2 : 1) };
    case "_==_":
      return first === undefined || second === undefined ? undefined : equalityCost(first, second);
    default:
      return undefined;
  }
}

const sameSize = (node: Node): CallCost => ({ cost: scale(sizeOrUnknown(node), perChar), size: sizeOrUnknown(node) });

/** One is added to the text, for an empty text too has to be matched. */
export const matchCost = (text: Range, pattern: Range): Range => multiply(scale(add(text, fixed(1)), perChar), scale(pattern, perPatternChar));

/** A requirement takes at least two characters. */
function selectorCost(length: Range): Range {
  return add(fixed(LIST), scale(length, perChar), scale(scale(length, 0.5), LIST + STRUCT));
}

function itemType(type: CelType): CelType | undefined {
  return type.kind === "list" || type.kind === "optional" ? type.item : type.kind === "map" ? type.key : undefined;
}

/** Of what a list holds, by its path. */
const itemSize = ({ path }: Node, sizeOf: SizeOf): Range => (path === undefined ? undefined : sizeOf([...path, "@items"])) ?? unknownSize;

function eachItemCost(target: Node, sizeOf: SizeOf): Range {
  const item = itemType(target.type);
  if (item === undefined) return scale(sizeOrUnknown(target), perChar);
  const each = item.kind === "string" || item.kind === "bytes" ? add(fixed(1), scale(itemSize(target, sizeOf), perChar)) : fixed(1);
  return multiply(sizeOrUnknown(target), each);
}

/** The result is longest where the shortest parts give way to the longest replacement, as often as can be. */
function replaceCost(target: Node, from: Node, to: Node): CallCost {
  const [text, part, other] = [sizeOrUnknown(target), sizeOrUnknown(from), sizeOrUnknown(to)];
  let [most, mostKept] = [0, 0];
  if (part.min === 0) [most, mostKept] = [text.max + 1, text.max];
  else if (other.max <= part.min) mostKept = text.max;
  else most = Math.ceil(text.max / part.min);
  let [least, leastKept] = [0, 0];
  if (part.max === 0) [least, leastKept] = [text.min + 1, text.min];
  else if (part.max <= other.min) leastKept = text.min;
  else least = Math.ceil(text.min / part.max);
  return { cost: scale(text, 2 * perChar), size: add(multiply({ min: least, max: most }, other), { min: leastKept, max: mostKept }) };
}

/** At worst every character becomes an item. */
function splitMost(target: Node, limit: Node | undefined): number {
  if (limit?.expr.kind === "literal" && typeof limit.expr.value === "bigint" && limit.expr.value >= 0n) return Number(limit.expr.value);
  return sizeOrUnknown(target).max;
}

function joinCost(target: Node, separator: Node | undefined, sizeOf: SizeOf): CallCost {
  const list = sizeOrUnknown(target);
  let size = itemType(target.type) === undefined ? nothing : multiply(list, itemSize(target, sizeOf));
  if (separator !== undefined) size = add(size, multiply(sizeOrUnknown(separator), { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) }));
  return { cost: scale(size, perChar), size };
}

/** Each with each. @upstream cel-go/ext/sets.go estimateSetsCost */
const setsCost = (a: Node, b: Node, factor: number): Range => add(scale(multiply(sizeOrUnknown(a), sizeOrUnknown(b)), factor), fixed(1));

/** Compares the bytes of addresses, four or sixteen; a text is read first. */
function containsCost(name: string, other: Node): Range {
  const bytes = { min: 4, max: 16 };
  const read = other.type.kind === "string" ? [scale(sizeOrUnknown(other), perChar)] : [];
  const compared = scale(add(bytes, bytes), perChar);
  return name === "containsIP" ? add(compared, ...read) : add(compared, scale(bytes, perChar), fixed(1), ...read);
}

function equalityCost(left: Node, right: Node): CallCost | undefined {
  if (left.type.kind !== "opaque" || typeText(left.type) !== typeText(right.type)) return undefined;
  if (left.type.name === libraryTypes.Format) return { cost: scale({ min: 1, max: longestFormat }, perChar) };
  return cheapToCompare.has(left.type.name) ? one : undefined;
}
