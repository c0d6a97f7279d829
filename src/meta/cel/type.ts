import type { Schema } from "../schema.ts";

/** A static type. `param` stands for a type that a signature leaves open. */
export type CelType =
  | { readonly kind: BasicKind }
  | { readonly kind: "list"; readonly item: CelType; readonly listType?: "set" | "map" | undefined; readonly keys?: readonly string[] | undefined }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | ObjectType
  | { readonly kind: "optional"; readonly item: CelType }
  | { readonly kind: "opaque"; readonly name: string }
  | { readonly kind: "param"; readonly name: string };

export type BasicKind = "int" | "uint" | "double" | "string" | "bytes" | "bool" | "null" | "dyn" | "timestamp" | "duration" | "type";

/** Fields by the name that expressions use; `raw` is the name in JSON. May be computed late. */
export interface ObjectType {
  readonly kind: "object";
  readonly name: string;
  fields(): ReadonlyMap<string, ObjectField>;
}
export interface ObjectField {
  readonly raw: string;
  readonly type: CelType;
}

export const dyn: CelType = { kind: "dyn" };
export const int: CelType = { kind: "int" };
export const double: CelType = { kind: "double" };
export const string: CelType = { kind: "string" };
export const bool: CelType = { kind: "bool" };
export const bytes: CelType = { kind: "bytes" };
export const timestamp: CelType = { kind: "timestamp" };
export const duration: CelType = { kind: "duration" };
export const listOf = (item: CelType): CelType => ({ kind: "list", item });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });
export const optionalOf = (item: CelType): CelType => ({ kind: "optional", item });
export const opaque = (name: string): CelType => ({ kind: "opaque", name });

/** An object type of fields that are known at once. */
export function objectOf(name: string, fields: { readonly [name: string]: CelType }): ObjectType {
  const entries = new Map<string, ObjectField>();
  for (const [raw, type] of Object.entries(fields)) {
    const escaped = escapeFieldName(raw);
    if (escaped !== undefined) entries.set(escaped, { raw, type });
  }
  return { kind: "object", name, fields: () => entries };
}

/** As `objectOf`, of a type that is declared for expressions: its fields are named as they are here, `request.namespace` too. */
export function declaredOf(name: string, fields: { readonly [name: string]: CelType }): ObjectType {
  const entries = new Map(Object.entries(fields).map(([raw, type]) => [raw, { raw, type }]));
  return { kind: "object", name, fields: () => entries };
}

/** As messages write a type: `list(string)`, `map(string, int)`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${typeText(type.item)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case "optional":
      return `optional_type(${typeText(type.item)})`;
    case "object":
    case "opaque":
    case "param":
      return type.name;
    case "timestamp":
      return "google.protobuf.Timestamp";
    case "duration":
      return "google.protobuf.Duration";
    default:
      return type.kind;
  }
}

export type Bindings = Map<string, CelType>;

/** Whether a value of `from` may stand where `to` is wanted; dyn fits everywhere. Binds the open types of `to`. */
export function assignable(to: CelType, from: CelType, bound: Bindings): boolean {
  if (to.kind === "param") {
    const known = bound.get(to.name);
    if (known === undefined || (known.kind === "dyn" && from.kind !== "dyn")) {
      bound.set(to.name, from);
      return true;
    }
    if (assignable(known, from, bound)) return true;
    if (!assignable(from, known, bound)) return false;
    bound.set(to.name, from);
    return true;
  }
  if (to.kind === "dyn" || from.kind === "dyn" || from.kind === "param") return true;
  if (from.kind === "null") return to.kind === "null" || to.kind === "object" || to.kind === "opaque" || to.kind === "timestamp" || to.kind === "duration";
  switch (to.kind) {
    case "list":
      return from.kind === "list" && assignable(to.item, from.item, bound);
    case "map":
      return from.kind === "map" && assignable(to.key, from.key, bound) && assignable(to.value, from.value, bound);
    case "optional":
      return from.kind === "optional" && assignable(to.item, from.item, bound);
    case "object":
      return from.kind === "object" && (from === to || from.name === to.name);
    case "opaque":
      return from.kind === "opaque" && from.name === to.name;
    default:
      return from.kind === to.kind;
  }
}

/** A signature's type with its open types filled in; those nobody bound are dyn. */
export function substitute(type: CelType, bound: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bound.get(type.name) ?? dyn;
    case "list":
      return { ...type, item: substitute(type.item, bound) };
    case "map":
      return mapOf(substitute(type.key, bound), substitute(type.value, bound));
    case "optional":
      return optionalOf(substitute(type.item, bound));
    default:
      return type;
  }
}

/** One type for both, or undefined. */
export function joined(a: CelType, b: CelType): CelType | undefined {
  if (a.kind === "dyn" || b.kind === "dyn") return dyn;
  if (assignable(a, b, new Map())) return a.kind === "null" ? b : mostGeneral(a, b);
  if (assignable(b, a, new Map())) return b;
  return undefined;
}

function mostGeneral(a: CelType, b: CelType): CelType {
  if (a.kind === "list" && b.kind === "list") return listOf(joined(a.item, b.item) ?? dyn);
  if (a.kind === "map" && b.kind === "map") return mapOf(joined(a.key, b.key) ?? dyn, joined(a.value, b.value) ?? dyn);
  return a;
}

const reserved: ReadonlySet<string> = new Set("true,false,null,in,as,break,const,continue,else,for,function,if,import,let,loop,package,namespace,return,var,void,while".split(","));

/** The name of a JSON field in expressions, or undefined when it has none. @upstream apiserver/pkg/cel/escaping.go */
export function escapeFieldName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !name.includes("__")) return name;
  if (!/^[a-zA-Z_][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  return name.replace(/__|\.|-|\//g, (part) => ({ __: "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__" })[part] ?? part);
}

const known = new WeakMap<Schema, CelType>();

/** The type of values that have this shape. */
export function typeOfSchema(schema: Schema): CelType {
  let type = known.get(schema);
  if (type === undefined) {
    type = convert(schema);
    known.set(schema, type);
  }
  return type;
}

function convert(schema: Schema): CelType {
  switch (schema.type) {
    case "string":
    case "quantity":
      return string;
    case "boolean":
      return bool;
    case "int32":
    case "int64":
      return int;
    case "double":
      return double;
    case "bytes":
      return bytes;
    case "time":
    case "microtime":
      return timestamp;
    case "map":
      return mapOf(string, schema.items === undefined ? dyn : typeOfSchema(schema.items));
    case "array":
      return listOf(schema.items === undefined ? dyn : typeOfSchema(schema.items));
    case "object": {
      if (schema.preserveUnknownFields === true) return dyn;
      let fields: ReadonlyMap<string, ObjectField> | undefined;
      return {
        kind: "object",
        name: schema.name ?? "object",
        fields() {
          fields ??= new Map(
            Object.entries(schema.fields ?? {}).flatMap(([raw, field]) => {
              const escaped = escapeFieldName(raw);
              return escaped === undefined ? [] : [[escaped, { raw, type: typeOfSchema(field) }] as const];
            }),
          );
          return fields;
        },
      };
    }
    default:
      return dyn;
  }
}
