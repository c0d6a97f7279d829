import { timeMs } from "../time.ts";
import { parseDuration } from "./duration.ts";
import { dyn, type CelType, type ObjectType } from "./type.ts";
import { CelDuration, CelError, CelList, CelMap, CelOpaque, CelOptional, CelTimestamp, CelTypeValue, CelUint, type CelValue, EntryMap } from "./value.ts";

/** A JSON value as its type has it; without one, whole numbers are ints. PERF: nothing is copied. */
export function fromJson(json: unknown, type: CelType = dyn): CelValue {
  switch (typeof json) {
    case "string":
      return fromText(json, type);
    case "number":
      return type.kind !== "double" && Number.isInteger(json) ? BigInt(json) : json;
    case "boolean":
    case "bigint":
      return json;
    case "object":
      if (json === null) return null;
      if (Array.isArray(json)) return new JsonList(json, type);
      return new JsonMap(json as JsonObject, type);
    default:
      return null;
  }
}

function fromText(text: string, type: CelType): CelValue {
  switch (type.kind) {
    case "timestamp":
      return new CelTimestamp(BigInt(timeMs(text.length === 10 ? `${text}T00:00:00Z` : text)) * 1_000_000n);
    case "duration":
      return new CelDuration(parseDuration(text));
    case "bytes":
      return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    default:
      return text;
  }
}

type JsonObject = { readonly [key: string]: unknown };

export class JsonList extends CelList {
  readonly json: readonly unknown[];
  readonly #type: CelType;
  readonly #item: CelType;
  constructor(json: readonly unknown[], type: CelType) {
    super();
    this.json = json;
    this.#type = type;
    this.#item = type.kind === "list" ? type.item : dyn;
  }
  get size(): number {
    return this.json.length;
  }
  override get listType(): "set" | "map" | undefined {
    return this.#type.kind === "list" ? this.#type.listType : undefined;
  }
  override get keys(): readonly string[] {
    return this.#type.kind === "list" ? (this.#type.keys ?? []) : [];
  }
  at(index: number): CelValue {
    return fromJson(this.json[index], this.#item);
  }
}

const byRawName = new WeakMap<ObjectType, ReadonlyMap<string, CelType>>();
function fieldType(type: ObjectType, raw: string): CelType | undefined {
  let fields = byRawName.get(type);
  if (fields === undefined) {
    fields = new Map([...type.fields().values()].map((field) => [field.raw, field.type]));
    byRawName.set(type, fields);
  }
  return fields.get(raw);
}

export class JsonMap extends CelMap {
  readonly json: JsonObject;
  readonly #type: CelType;
  constructor(json: JsonObject, type: CelType) {
    super();
    this.json = json;
    this.#type = type;
  }
  override get typeName(): string {
    return this.#type.kind === "object" ? this.#type.name : "map";
  }
  get size(): number {
    return Object.keys(this.json).length;
  }
  get(key: CelValue): CelValue | undefined {
    if (typeof key !== "string" || !Object.hasOwn(this.json, key)) return undefined;
    const value = this.json[key];
    if (value === undefined) return undefined;
    const type = this.#type;
    return fromJson(value, type.kind === "object" ? (fieldType(type, key) ?? dyn) : type.kind === "map" ? type.value : dyn);
  }
  keys(): Iterable<CelValue> {
    return Object.keys(this.json).filter((key) => this.json[key] !== undefined);
  }
}

/** A value as JSON: maps need text keys; optionals, types and a library's values have none. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof JsonList || value instanceof JsonMap) return value.json;
  if (value instanceof CelUint) return Number(value.value);
  if (value instanceof CelList) return [...value].map(toJson);
  if (value instanceof CelMap) {
    const out: Record<string, unknown> = {};
    for (const key of value.keys()) {
      const item = value.get(key);
      if (item !== undefined) out[typeof key === "string" ? key : String(key as bigint)] = toJson(item);
    }
    return out;
  }
  if (value instanceof CelTimestamp) return new Date(Number(value.nanos / 1_000_000n)).toISOString().replace(/\.000Z$/, "Z");
  if (value instanceof CelDuration) return `${Number(value.nanos) / 1e9}s`;
  if (value instanceof Uint8Array) return btoa(String.fromCharCode(...value));
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value);
  if (value instanceof CelTypeValue || value instanceof CelOpaque)
    throw new CelError(`unsupported conversion of ${value instanceof CelTypeValue ? "type" : value.typeName} to JSON`);
  return null;
}

/** A map with text keys. */
export function mapFrom(entries: Iterable<readonly [string, CelValue]>, typeName?: string): CelMap {
  const map = new Map<string, readonly [CelValue, CelValue]>();
  for (const [key, value] of entries) map.set(`s${key}`, [key, value]);
  return new EntryMap(map, typeName);
}
