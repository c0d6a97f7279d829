import { CelDuration, CelError, CelList, CelMap, CelOpaque, CelOptional, CelTimestamp, CelTypeValue, CelUint, type CelValue, noSuchOverload } from "./value.ts";

const plain = (value: CelValue): CelValue => (value instanceof CelUint ? value.value : value);
const isNumeric = (value: CelValue): value is bigint | number => typeof value === "bigint" || typeof value === "number";

/** Equality of any two values; values of different types are unequal, numbers equal by value. */
export function celEquals(left: CelValue, right: CelValue): boolean {
  if (left === right) return true;
  const [a, b] = [plain(left), plain(right)];
  // Loose on purpose: 1n == 1 by value.
  // biome-ignore lint/suspicious/noDoubleEquals: compares int with double
  if (isNumeric(a) && isNumeric(b)) return a == b; // oxlint-disable-line eqeqeq
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (a instanceof CelList) return b instanceof CelList && listsEqual(a, b);
  if (a instanceof CelMap) return b instanceof CelMap && mapsEqual(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.nanos === b.nanos;
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos;
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name;
  if (a instanceof CelOpaque) return b instanceof CelOpaque && a.typeName === b.typeName && a.key === b.key;
  if (a instanceof CelOptional) {
    if (!(b instanceof CelOptional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return celEquals(a.value, b.value);
  }
  return false;
}

function listsEqual(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false;
  const kind = a.listType ?? b.listType;
  if (kind === undefined) {
    for (let index = 0; index < a.size; index += 1) if (!celEquals(a.at(index), b.at(index))) return false;
    return true;
  }
  // Sets and keyed lists are equal in any order. @upstream apiserver/pkg/cel/common/values.go
  const rest = [...b];
  for (const item of a) {
    const found = rest.findIndex((other) => celEquals(item, other));
    if (found < 0) return false;
    rest.splice(found, 1);
  }
  return true;
}

function mapsEqual(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const [left, right] = [a.get(key), b.get(key)];
    if (left === undefined || right === undefined || !celEquals(left, right)) return false;
  }
  return true;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Below zero, zero or above; throws for values without an order between them. */
export function celCompare(left: CelValue, right: CelValue): number {
  const [a, b] = [plain(left), plain(right)];
  if (isNumeric(a) && isNumeric(b)) {
    if (Number.isNaN(a) || Number.isNaN(b)) throw new CelError("NaN values cannot be ordered");
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if ((a instanceof CelTimestamp && b instanceof CelTimestamp) || (a instanceof CelDuration && b instanceof CelDuration)) return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  throw noSuchOverload();
}

/** By code point, as UTF-8 bytes order. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index += 1) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x === y) continue;
    const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
    // A surrogate is half of a code point beyond all that one unit can hold.
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
