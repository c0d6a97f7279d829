import type { FunctionTable } from "../overload.ts";
import { celCompare, celEquals } from "../compare.ts";
import { ArrayList, CelDuration, CelError, CelList, CelMap, CelOptional, CelTimestamp, CelUint, type CelValue } from "../value.ts";

const [smallest, largest, largestUint] = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 64n - 1n];
/** Years 1 to 9999. */
const [firstTime, lastTime] = [-62_135_596_800n * 1_000_000_000n, 253_402_300_800n * 1_000_000_000n - 1n];

export function checkedInt(value: bigint): bigint {
  if (value < smallest || value > largest) throw new CelError("integer overflow");
  return value;
}
export function checkedUint(value: bigint): CelUint {
  if (value < 0n || value > largestUint) throw new CelError("unsigned integer overflow");
  return new CelUint(value);
}
export function checkedTime(nanos: bigint): CelTimestamp {
  if (nanos < firstTime || nanos > lastTime) throw new CelError("timestamp overflow");
  return new CelTimestamp(nanos);
}
export function checkedDuration(nanos: bigint): CelDuration {
  if (nanos < smallest || nanos > largest) throw new CelError("integer overflow");
  return new CelDuration(nanos);
}

const stringCost = (a: string, b: string): number => Math.ceil((a.length + b.length) * 0.1) - 1;

/** A keyed list or set takes in what another holds. @upstream apiserver/pkg/cel/common/values.go Add */
function concatenated(a: CelList, b: CelList): CelList {
  if (a.listType === undefined) return new ArrayList([...a, ...b]);
  const idOf = (item: CelValue): readonly CelValue[] => (a.listType === "set" || !(item instanceof CelMap) ? [item] : a.keys.map((key) => item.get(key) ?? null));
  const out = [...a];
  for (const item of b) {
    const id = idOf(item);
    const at = out.findIndex((other) => idOf(other).every((part, index) => celEquals(part, id[index] ?? null)));
    if (at < 0) out.push(item);
    else out[at] = item;
  }
  return new ArrayList(out);
}

/** Operators on numbers, text, lists and times. */
export function addArithmetic(table: FunctionTable): void {
  table.add("_+_", "(int, int) int", (a: bigint, b: bigint) => checkedInt(a + b));
  table.add("_+_", "(uint, uint) uint", (a: CelUint, b: CelUint) => checkedUint(a.value + b.value));
  table.add("_+_", "(double, double) double", (a: number, b: number) => a + b);
  table.add("_+_", "(string, string) string", (a: string, b: string) => a + b, stringCost);
  table.add("_+_", "(bytes, bytes) bytes", (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b]));
  table.add("_+_", "(list<A>, list<A>) list<A>", concatenated);
  table.add("_+_", "(timestamp, duration) timestamp", (a: CelTimestamp, b: CelDuration) => checkedTime(a.nanos + b.nanos));
  table.add("_+_", "(duration, timestamp) timestamp", (a: CelDuration, b: CelTimestamp) => checkedTime(a.nanos + b.nanos));
  table.add("_+_", "(duration, duration) duration", (a: CelDuration, b: CelDuration) => checkedDuration(a.nanos + b.nanos));
  table.add("_-_", "(int, int) int", (a: bigint, b: bigint) => checkedInt(a - b));
  table.add("_-_", "(uint, uint) uint", (a: CelUint, b: CelUint) => checkedUint(a.value - b.value));
  table.add("_-_", "(double, double) double", (a: number, b: number) => a - b);
  table.add("_-_", "(timestamp, timestamp) duration", (a: CelTimestamp, b: CelTimestamp) => checkedDuration(a.nanos - b.nanos));
  table.add("_-_", "(timestamp, duration) timestamp", (a: CelTimestamp, b: CelDuration) => checkedTime(a.nanos - b.nanos));
  table.add("_-_", "(duration, duration) duration", (a: CelDuration, b: CelDuration) => checkedDuration(a.nanos - b.nanos));
  table.add("_*_", "(int, int) int", (a: bigint, b: bigint) => checkedInt(a * b));
  table.add("_*_", "(uint, uint) uint", (a: CelUint, b: CelUint) => checkedUint(a.value * b.value));
  table.add("_*_", "(double, double) double", (a: number, b: number) => a * b);
  const divisor = (value: bigint, what: string): bigint => {
    if (value === 0n) throw new CelError(what);
    return value;
  };
  table.add("_/_", "(int, int) int", (a: bigint, b: bigint) => checkedInt(a / divisor(b, "division by zero")));
  table.add("_/_", "(uint, uint) uint", (a: CelUint, b: CelUint) => checkedUint(a.value / divisor(b.value, "division by zero")));
  table.add("_/_", "(double, double) double", (a: number, b: number) => a / b);
  table.add("_%_", "(int, int) int", (a: bigint, b: bigint) => a % divisor(b, "modulus by zero"));
  table.add("_%_", "(uint, uint) uint", (a: CelUint, b: CelUint) => checkedUint(a.value % divisor(b.value, "modulus by zero")));
  table.add("-_", "(int) int", (a: bigint) => checkedInt(-a));
  table.add("-_", "(double) double", (a: number) => -a);
  table.add("-_", "(duration) duration", (a: CelDuration) => checkedDuration(-a.nanos));
  table.add("!_", "(bool) bool", (a: boolean) => !a);
}

const sizeCost = (a: CelValue, b: CelValue): number => {
  if (typeof a === "string" && typeof b === "string") return Math.ceil(Math.min(a.length, b.length) * 0.1) - 1;
  return (a instanceof CelList || a instanceof CelMap) && (b instanceof CelList || b instanceof CelMap) ? Math.min(a.size, b.size) : 0;
};

/** Equality, order, membership and indexing. */
export function addComparison(table: FunctionTable): void {
  table.add("_==_", "(A, A) bool", celEquals, sizeCost);
  table.add("_!=_", "(A, A) bool", (a: CelValue, b: CelValue) => !celEquals(a, b), sizeCost);
  const ordered: readonly (readonly [string, (order: number) => boolean])[] = [
    ["_<_", (order) => order < 0],
    ["_<=_", (order) => order <= 0],
    ["_>_", (order) => order > 0],
    ["_>=_", (order) => order >= 0],
  ];
  const numeric = ["int", "uint", "double"];
  for (const [name, holds] of ordered) {
    // NaN has an order to nothing, and that is no error.
    const compare = (a: CelValue, b: CelValue): boolean => !Number.isNaN(a) && !Number.isNaN(b) && holds(celCompare(a, b));
    for (const type of ["bool", "string", "bytes", "timestamp", "duration"]) table.add(name, `(${type}, ${type}) bool`, compare, sizeCost);
    for (const left of numeric) for (const right of numeric) table.add(name, `(${left}, ${right}) bool`, compare);
  }
  table.add(
    "@in",
    "(A, list<A>) bool",
    (item: CelValue, list: CelList) => {
      for (const other of list) if (celEquals(item, other)) return true;
      return false;
    },
    (_: CelValue, list: CelList) => list.size,
  );
  table.add("@in", "(A, map<A, B>) bool", (key: CelValue, map: CelMap) => map.get(key) !== undefined);
  table.add("_[_]", "(list<A>, int) A", itemAt);
  table.add("_[_]", "(list<A>, uint) A", (list: CelList, index: CelUint) => itemAt(list, index.value));
  table.add("_[_]", "(list<A>, double) A", (list: CelList, index: number) => {
    if (!Number.isInteger(index)) throw new CelError(`unsupported index value: ${index}`);
    return itemAt(list, BigInt(index));
  });
  table.add("_[_]", "(map<A, B>, A) B", (map: CelMap, key: CelValue) => {
    const found = map.get(key);
    if (found === undefined) throw new CelError(`no such key: ${keyText(key)}`);
    return found;
  });
  table.add("_[_]", "(optional<list<A>>, int) optional<A>", (list: CelOptional, index: bigint) => optionalAt(list.value, index));
  table.add("_[_]", "(optional<map<A, B>>, A) optional<B>", (map: CelOptional, key: CelValue) => optionalAt(map.value, key));
  table.add("_[?_]", "(list<A>, int) optional<A>", optionalAt);
  table.add("_[?_]", "(map<A, B>, A) optional<B>", optionalAt);
  table.add("_[?_]", "(optional<list<A>>, int) optional<A>", (list: CelOptional, index: bigint) => optionalAt(list.value, index));
  table.add("_[?_]", "(optional<map<A, B>>, A) optional<B>", (map: CelOptional, key: CelValue) => optionalAt(map.value, key));
}

function itemAt(list: CelList, index: bigint): CelValue {
  if (index < 0n || index >= BigInt(list.size)) throw new CelError(`index out of bounds: ${index}`);
  return list.at(Number(index));
}
const keyText = (key: CelValue): string => (key instanceof CelUint ? String(key.value) : String(key as bigint));

function optionalAt(target: CelValue | undefined, key: CelValue): CelOptional {
  if (target instanceof CelList && typeof key === "bigint") return key >= 0n && key < BigInt(target.size) ? new CelOptional(target.at(Number(key))) : CelOptional.none;
  if (target instanceof CelMap) {
    const found = target.get(key);
    return found === undefined ? CelOptional.none : new CelOptional(found);
  }
  return CelOptional.none;
}

const isZero = (value: CelValue): boolean =>
  value === null ||
  value === false ||
  value === 0n ||
  value === 0 ||
  value === "" ||
  ((value instanceof CelList || value instanceof CelMap) && value.size === 0) ||
  (value instanceof CelUint && value.value === 0n) ||
  (value instanceof CelDuration && value.nanos === 0n);

/** `optional.of` and what optionals can do. */
export function addOptionals(table: FunctionTable): void {
  table.add("optional.of", "(A) optional<A>", (value: CelValue) => new CelOptional(value));
  table.add("optional.ofNonZeroValue", "(A) optional<A>", (value: CelValue) => (isZero(value) ? CelOptional.none : new CelOptional(value)));
  table.add("optional.none", "() optional<A>", () => CelOptional.none);
  table.add("hasValue", "optional<A>.() bool", ({ value }: CelOptional) => value !== undefined);
  table.add("value", "optional<A>.() A", ({ value }: CelOptional) => {
    if (value === undefined) throw new CelError("optional.none() dereference");
    return value;
  });
  table.add("or", "optional<A>.(optional<A>) optional<A>", (a: CelOptional, b: CelOptional) => (a.value === undefined ? b : a));
  table.add("orValue", "optional<A>.(A) A", (a: CelOptional, b: CelValue) => a.value ?? b);
  table.add("@optionalItems", "(optional<A>) list<A>", ({ value }: CelOptional) => new ArrayList(value === undefined ? [] : [value]));
  table.add("@firstOptional", "(list<A>) optional<A>", (list: CelList) => (list.size === 0 ? CelOptional.none : new CelOptional(list.at(0))));
  table.add("@firstFlat", "(list<optional<A>>) optional<A>", (list: CelList) => (list.size === 0 ? CelOptional.none : list.at(0)));
  table.add("optional.unwrap", "(list<optional<A>>) list<A>", unwrap);
  table.add("unwrapOpt", "list<optional<A>>.() list<A>", unwrap);
  table.add("first", "list<A>.() optional<A>", (list: CelList) => (list.size === 0 ? CelOptional.none : new CelOptional(list.at(0))));
  table.add("last", "list<A>.() optional<A>", (list: CelList) => (list.size === 0 ? CelOptional.none : new CelOptional(list.at(list.size - 1))));
}

function unwrap(list: CelList): CelList {
  return new ArrayList([...list].flatMap((item) => (item instanceof CelOptional && item.value !== undefined ? [item.value] : [])));
}
