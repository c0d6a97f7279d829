/**
 * The shape of a value, for decoding, patching and documents. Built from generated facts for built-in kinds and from
 * a CRD's schema for custom ones. `fields` and `items` may be computed late, because shapes refer to themselves.
 *
 * Example: PodSpec.containers is `{ type: "array", items: <Container>, listType: "map", listMapKeys: ["name"],
 * patchMergeKey: "name", patchStrategy: ["merge"] }`.
 */
export interface Schema {
  readonly type: SchemaType;
  /** OpenAPI name of a definition: `io.k8s.api.core.v1.PodSpec`; of an "any" also: `io.k8s.apimachinery.pkg.runtime.RawExtension`. */
  readonly name?: string | undefined;
  /** For "object". */
  readonly fields?: { readonly [name: string]: Schema } | undefined;
  readonly required?: readonly string[] | undefined;
  /** For "array" (its items) and "map" (its values). */
  readonly items?: Schema | undefined;
  readonly listType?: "atomic" | "set" | "map" | undefined;
  readonly listMapKeys?: readonly string[] | undefined;
  readonly mapType?: "atomic" | "granular" | undefined;
  readonly patchMergeKey?: string | undefined;
  /** `merge`, `replace`, `retainKeys`. */
  readonly patchStrategy?: readonly string[] | undefined;
  /** For "array" and "map" as a field: an empty one says no more than none, and is not kept. */
  readonly omitsEmpty?: boolean | undefined;
  /** What stands for a key field that an item of a keyed list leaves out. */
  readonly default?: unknown;
  /** For custom resources: keeps fields that the schema does not name. */
  readonly preserveUnknownFields?: boolean | undefined;
}

export type SchemaType =
  | "string"
  | "boolean"
  | "int32"
  | "int64"
  | "double"
  /** base64 text */
  | "bytes"
  /** text or number in, text out: `500m` */
  | "quantity"
  /** RFC 3339, whole seconds */
  | "time"
  /** RFC 3339, microseconds */
  | "microtime"
  | "int-or-string"
  /** any JSON */
  | "any"
  | "object"
  /** string keys, values of `items` */
  | "map"
  | "array";
