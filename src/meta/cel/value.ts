import type { CelType } from "./type.ts";

/**
 * A value at run time: int is bigint, double is number, so that 64 bits are exact and JavaScript's own comparison of the
 * two is CEL's. JSON is looked at through `JsonList` and `JsonMap`, never copied.
 */
export type CelValue = null | boolean | bigint | number | string | Uint8Array | CelUint | CelTimestamp | CelDuration | CelList | CelMap | CelTypeValue | CelOptional | CelOpaque;

/** What evaluation may end in instead of a value. */
export class CelError extends Error {
  override readonly name: string = "CelError";
}
/** The budget is used up: no `||` makes up for that. */
export class CelCostError extends CelError {
  override readonly name = "CelCostError";

  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}
export const noSuchOverload = (): CelError => new CelError("no such overload");

export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}
/** Nanoseconds since the epoch. */
export class CelTimestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class CelTypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
export class CelOptional {
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
  static readonly none = new CelOptional(undefined);
}
/** A value of a library's type. Two are equal when their `key`s are. */
export class CelOpaque {
  readonly typeName: string;
  readonly value: unknown;
  readonly key: string;
  constructor(typeName: string, value: unknown, key: string) {
    this.typeName = typeName;
    this.value = value;
    this.key = key;
  }
}

export abstract class CelList implements Iterable<CelValue> {
  abstract readonly size: number;
  abstract at(index: number): CelValue;
  /** How the list is merged and compared, when it is a set or keyed. */
  get listType(): "set" | "map" | undefined {
    return undefined;
  }
  get keys(): readonly string[] {
    return [];
  }
  *[Symbol.iterator](): Iterator<CelValue> {
    for (let index = 0; index < this.size; index += 1) yield this.at(index);
  }
}
export class ArrayList extends CelList {
  readonly #items: readonly CelValue[];
  constructor(items: readonly CelValue[]) {
    super();
    this.#items = items;
  }
  get size(): number {
    return this.#items.length;
  }
  at(index: number): CelValue {
    return this.#items[index] ?? null;
  }
}

export abstract class CelMap {
  abstract readonly size: number;
  abstract get(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
  /** The name of the object's type, for structs. */
  get typeName(): string {
    return "map";
  }
}

/** The key under which equal keys meet: 1, 1u and 1.0 are one. */
export function keyOf(key: CelValue): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (key instanceof CelUint) return `n${key.value}`;
  if (typeof key === "number") return `n${key}`;
  if (typeof key === "boolean") return `b${key}`;
  throw new CelError(`unsupported key type: ${typeNameOf(key)}`);
}

/** A map that an expression made. */
export class EntryMap extends CelMap {
  readonly #entries: ReadonlyMap<string, readonly [CelValue, CelValue]>;
  readonly #typeName: string;
  constructor(entries: ReadonlyMap<string, readonly [CelValue, CelValue]>, typeName = "map") {
    super();
    this.#entries = entries;
    this.#typeName = typeName;
  }
  override get typeName(): string {
    return this.#typeName;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: CelValue): CelValue | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }
  *keys(): Iterable<CelValue> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** Text keys whose values are worked out when first asked for. */
export class LazyMap extends CelMap {
  readonly #make: ReadonlyMap<string, () => CelValue>;
  readonly #made = new Map<string, { readonly value: CelValue } | { readonly error: unknown }>();
  constructor(make: ReadonlyMap<string, () => CelValue>) {
    super();
    this.#make = make;
  }
  get size(): number {
    return this.#make.size;
  }
  get(key: CelValue): CelValue | undefined {
    if (typeof key !== "string") return undefined;
    let made = this.#made.get(key);
    if (made === undefined) {
      const make = this.#make.get(key);
      if (make === undefined) return undefined;
      try {
        made = { value: make() };
      } catch (error) {
        made = { error };
      }
      this.#made.set(key, made);
    }
    if ("error" in made) throw made.error;
    return made.value;
  }
  keys(): Iterable<CelValue> {
    return this.#make.keys();
  }
}

const runtimeNames = { bigint: "int", number: "double", string: "string", boolean: "bool" } as const;

/** `int`, `map`, `google.protobuf.Timestamp`. */
export function typeNameOf(value: CelValue): string {
  if (value === null) return "null_type";
  if (typeof value !== "object") return runtimeNames[typeof value as keyof typeof runtimeNames];
  if (value instanceof CelList) return "list";
  if (value instanceof CelMap) return value.typeName;
  if (value instanceof CelUint) return "uint";
  if (value instanceof CelTimestamp) return "google.protobuf.Timestamp";
  if (value instanceof CelDuration) return "google.protobuf.Duration";
  if (value instanceof CelTypeValue) return "type";
  if (value instanceof CelOptional) return "optional_type";
  if (value instanceof CelOpaque) return value.typeName;
  return "bytes";
}

/** Whether a value is of a type, as far as overloads care. */
export function isOfType(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case "dyn":
    case "param":
      return true;
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof CelUint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "bytes":
      return value instanceof Uint8Array;
    case "null":
      return value === null;
    case "timestamp":
      return value instanceof CelTimestamp;
    case "duration":
      return value instanceof CelDuration;
    case "type":
      return value instanceof CelTypeValue;
    case "list":
      // Overloads differ by what lists hold: sum() of ints is not that of durations.
      return value instanceof CelList && (value.size === 0 || isOfType(value.at(0), type.item));
    case "map":
    case "object":
      return value instanceof CelMap;
    case "optional":
      return value instanceof CelOptional;
    case "opaque":
      return value instanceof CelOpaque && value.typeName === type.name;
    default:
      return false;
  }
}
