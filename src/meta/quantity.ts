/** How a quantity is written: `12M`, `12Mi` or `12e6`. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** Text that is no quantity; the message is upstream's. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const shape = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const formatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numericError = "unable to parse numeric part of quantity";
const suffixError = "unable to parse quantity's suffix";

const decimalSuffixes: readonly (readonly [suffix: string, exponent: number])[] = [
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const exponentOfSuffix = new Map<string, { readonly format: QuantityFormat; readonly exponent: number }>([
  ...decimalSuffixes.map(([suffix, exponent]) => [suffix, { format: "DecimalSI" as const, exponent }] as const),
  ...binarySuffixes.slice(1).map((suffix, index) => [suffix, { format: "BinarySI" as const, exponent: (index + 1) * 10 }] as const),
]);
const suffixOfExponent = new Map(decimalSuffixes.map(([suffix, exponent]) => [exponent, suffix] as const));

const nanoScale = 9;
const nanosPerOne = 10n ** 9n;
const nanosPerMilli = 10n ** 6n;
const largestInt64 = 2n ** 63n - 1n;
/** Upstream lets an exponent be any int32; numbers that long are never meant and cost time. */
const maxExponent = 1000;
const maxTextLength = 1000;

/**
 * An exact number with the unit it was written in. Immutable. Finer than a billionth is rounded away from zero.
 * Example: "1.5Gi" is 1610612736 and prints as "1536Mi". @upstream apimachinery/pkg/api/resource/quantity.go
 */
export class Quantity {
  readonly #nanos: bigint;
  readonly format: QuantityFormat;
  #text: string | undefined;

  private constructor(nanos: bigint, format: QuantityFormat, text?: string) {
    this.#nanos = nanos;
    this.format = format;
    this.#text = text;
  }

  static readonly zero = new Quantity(0n, "DecimalSI", "0");

  /** Whole units; `value` must be an integer. */
  static of(value: number | bigint, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(BigInt(value) * nanosPerOne, format);
  }
  /** Thousandths; `value` must be an integer. */
  static ofMilli(value: number | bigint, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(BigInt(value) * nanosPerMilli, format);
  }

  /** Throws QuantityError. */
  static parse(text: string): Quantity {
    const known = parsed.get(text);
    if (known !== undefined) return known;
    const quantity = Quantity.#parse(text);
    if (parsed.size >= maxParsed) parsed.clear();
    parsed.set(text, quantity);
    return quantity;
  }

  static #parse(text: string): Quantity {
    const match = text === "" || text.length > maxTextLength ? null : shape.exec(text);
    if (match === null) throw new QuantityError(formatError);
    const negative = match[1] === "-";
    const num = match[2] === undefined || match[2] === "" ? "0" : match[2];
    const denom = match[3] ?? "";
    const { format, exponent } = interpretSuffix(match[4] ?? "");
    const digits = num + denom;
    const unscaled = BigInt(digits);
    if (unscaled === 0n) return new Quantity(0n, format, "0");
    if (format === "BinarySI") {
      let nanos = shift(unscaled << BigInt(exponent), nanoScale - denom.length);
      if (nanos > largestInt64 * nanosPerOne) nanos = largestInt64 * nanosPerOne;
      const written = denom === "" && 15 - num.length - Math.trunc((exponent * 3) / 10) - 1 >= 0 && (unscaled & 7n) !== 0n;
      return new Quantity(negative ? -nanos : nanos, nanos < nanosPerOne ? "DecimalSI" : format, written ? text : undefined);
    }
    if (exponent > maxExponent) throw new QuantityError(numericError);
    const scale = exponent - denom.length;
    const nanos = shift(unscaled, scale + nanoScale);
    // Upstream keeps what was written when it looks canonical enough, "1.500" and "+5" among it.
    const written = digits.length <= 18 && scale >= -nanoScale && scale % 3 === 0 && !digits.endsWith("000") && !digits.startsWith("0");
    return new Quantity(negative ? -nanos : nanos, format, written ? text : undefined);
  }

  /** The exact value in billionths. */
  get nanos(): bigint {
    return this.#nanos;
  }
  get isZero(): boolean {
    return this.#nanos === 0n;
  }
  get sign(): -1 | 0 | 1 {
    return this.#nanos === 0n ? 0 : this.#nanos < 0n ? -1 : 1;
  }

  /** Whole units, rounded away from zero; exact up to 2^53. */
  value(): number {
    return Number(divideAwayFromZero(this.#nanos, nanosPerOne));
  }
  /** Thousandths, rounded away from zero; exact up to 2^53. */
  milliValue(): number {
    return Number(divideAwayFromZero(this.#nanos, nanosPerMilli));
  }
  /** The nearest double. */
  toNumber(): number {
    return Number(this.#nanos / nanosPerOne) + Number(this.#nanos % nanosPerOne) / 1e9;
  }

  compare(other: Quantity): -1 | 0 | 1 {
    return this.#nanos === other.#nanos ? 0 : this.#nanos < other.#nanos ? -1 : 1;
  }
  equals(other: Quantity): boolean {
    return this.#nanos === other.#nanos;
  }
  /** Keeps this quantity's format; zero takes the other's. */
  add(other: Quantity): Quantity {
    return new Quantity(this.#nanos + other.#nanos, this.isZero ? other.format : this.format);
  }
  sub(other: Quantity): Quantity {
    return new Quantity(this.#nanos - other.#nanos, this.isZero ? other.format : this.format);
  }
  /** `factor` must be an integer. */
  mul(factor: number | bigint): Quantity {
    return new Quantity(this.#nanos * BigInt(factor), this.format);
  }
  neg(): Quantity {
    return new Quantity(-this.#nanos, this.format);
  }

  /** The canonical text: no fraction, the largest suffix that loses nothing. */
  toString(): string {
    this.#text ??= print(this.#nanos, this.format);
    return this.#text;
  }
  toJSON(): string {
    return this.toString();
  }
}

/** PERF: manifests repeat a few quantities; emptied when full. */
const parsed = new Map<string, Quantity>();
const maxParsed = 4096;

/** Whether `text` is a quantity. */
export function isQuantity(text: string): boolean {
  try {
    Quantity.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** As the server stores it: "0.5" to "500m", the number 2 to "2". Throws QuantityError. */
export function canonicalQuantity(value: string | number): string {
  return Quantity.parse(typeof value === "string" ? value.trim() : String(value)).toString();
}

function interpretSuffix(suffix: string): { readonly format: QuantityFormat; readonly exponent: number } {
  const known = exponentOfSuffix.get(suffix);
  if (known !== undefined) return known;
  if (!/^[eE][+-]?[0-9]+$/.test(suffix)) throw new QuantityError(suffixError);
  return { format: "DecimalExponent", exponent: Number(suffix.slice(1)) };
}

/** value × 10^places for a positive value, rounded up. */
function shift(value: bigint, places: number): bigint {
  if (places >= 0) return value * 10n ** BigInt(places);
  if (-places > maxTextLength + 1) return 1n;
  return divideAwayFromZero(value, 10n ** BigInt(-places));
}

function divideAwayFromZero(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  if (quotient * by === value) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

function print(nanos: bigint, format: QuantityFormat): string {
  if (nanos === 0n) return "0";
  if (format === "BinarySI" && nanos % nanosPerOne === 0n) {
    let amount = nanos / nanosPerOne;
    if (amount <= -1024n || amount >= 1024n) {
      let power = 0;
      while (amount % 1024n === 0n && power < binarySuffixes.length - 1) {
        amount /= 1024n;
        power += 1;
      }
      return `${amount}${binarySuffixes[power] ?? ""}`;
    }
  }
  let amount = nanos;
  let exponent = -nanoScale;
  while (amount % 10n === 0n) {
    amount /= 10n;
    exponent += 1;
  }
  while (exponent % 3 !== 0) {
    amount *= 10n;
    exponent -= 1;
  }
  const suffix = format === "DecimalExponent" ? undefined : suffixOfExponent.get(exponent);
  return suffix === undefined ? `${amount}${exponent === 0 ? "" : `e${exponent}`}` : `${amount}${suffix}`;
}
