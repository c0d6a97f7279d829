import type { SizeOf } from "../../meta/cel/cost/node.ts";
import { escapeFieldName } from "../../meta/cel/type.ts";
import { isEmbedded, isIntOrString, objectFields, type Structural } from "./structural.ts";

/** A request holds no more. @upstream apiserver/pkg/cel/limits.go */
const requestBytes = 3 * 1024 * 1024;
const quoted = 2;
const longestDuration = 32;
const longestTime = 32;
const dateBytes = 12;
const timeBytes = 21;
const durationBytes = 3;

/**
 * How large values of a schema can be. `{type: array, items: {type: integer}, maxItems: 5}` is `{most: 5, bytes: 2,
 * item: {most: 0, bytes: 1}}`.
 */
export interface Declared {
  /** Characters, bytes, items or entries; 0 for what has no size. */
  readonly most: number;
  /** The shortest JSON of it. */
  readonly bytes: number;
  readonly fields?: ReadonlyMap<string, Declared>;
  readonly key?: Declared;
  readonly item?: Declared;
}

const text: Declared = { most: requestBytes - quoted, bytes: quoted };
const key: Declared = { most: 0, bytes: quoted };

/** Undefined for what rules cannot see. @upstream apiserver/pkg/cel/common/schemas.go SchemaDeclType */
export function declaredSize(schema: Structural, isObject: boolean): Declared | undefined {
  if (isIntOrString(schema)) return { most: schema.maxLength === undefined ? requestBytes - quoted : Math.max(0, schema.maxLength) * 4, bytes: 1 };
  switch (schema.type) {
    case "array":
      return arraySize(schema);
    case "object":
      return typeof schema.additionalProperties === "object" ? mapSize(schema, schema.additionalProperties) : objectSize(schema, isObject);
    case "string":
      return textSize(schema);
    case "boolean":
      return { most: 0, bytes: 4 };
    case "number":
    case "integer":
      return { most: 0, bytes: 1 };
    default:
      return undefined;
  }
}

function arraySize({ items, maxItems }: Structural): Declared | undefined {
  const item = items === undefined ? undefined : declaredSize(items, isEmbedded(items));
  if (item === undefined) return undefined;
  return { most: maxItems === undefined ? Math.floor((requestBytes - 2) / (item.bytes + 1)) : Math.max(0, maxItems), bytes: 2, item };
}

function mapSize({ maxProperties }: Structural, values: Structural): Declared | undefined {
  const item = declaredSize(values, isEmbedded(values));
  if (item === undefined) return undefined;
  return { most: maxProperties === undefined ? Math.floor((requestBytes - 2) / (item.bytes + 6)) : Math.max(0, maxProperties), bytes: 2, key, item };
}

function objectSize({ properties = {}, required = [] }: Structural, isObject: boolean): Declared {
  const fields = new Map<string, Declared>();
  let bytes = 2;
  for (const [name, property] of Object.entries(properties)) {
    if (isObject && objectFields.has(name)) continue;
    const field = declaredSize(property, isEmbedded(property));
    const escaped = escapeFieldName(name);
    if (field === undefined) continue;
    if (escaped !== undefined) fields.set(escaped, field);
    // Quotes, colon and comma. What has a default need not be sent.
    if (required.includes(name) && property.default === undefined) bytes += name.length + field.bytes + 4;
  }
  if (isObject) {
    fields.set("apiVersion", text).set("kind", text);
    fields.set("metadata", { most: 0, bytes: 2, fields: new Map(["name", "generateName"].map((name) => [name, text] as const)) });
  }
  return { most: 0, bytes, fields };
}

/** maxLength counts characters, of which each may take four bytes. */
function textSize({ format, maxLength, enum: choices = [] }: Structural): Declared {
  switch (format) {
    case "byte":
      return { most: maxLength === undefined ? requestBytes - quoted : Math.max(0, maxLength), bytes: quoted };
    case "duration":
      return { most: longestDuration, bytes: durationBytes };
    case "date":
      return { most: dateBytes, bytes: dateBytes };
    case "date-time":
      return { most: longestTime, bytes: timeBytes };
    default:
      if (maxLength !== undefined) return { most: Math.max(0, maxLength) * 4, bytes: quoted };
      if (choices.length === 0) return text;
      return { most: Math.max(0, ...choices.map((choice) => (typeof choice === "string" ? new TextEncoder().encode(choice).length : 0))), bytes: quoted };
  }
}

/** How often a value can stand in one request, where no list or map around it has a limit. */
export const mostOccurrences = ({ bytes }: Declared): number => Math.floor(requestBytes / (bytes + 1));

/** By paths that begin with a variable, which always stands for `root`. */
export function sizeIn(root: Declared): SizeOf {
  return (path) => {
    let current: Declared | undefined = root;
    for (const part of path.slice(1)) {
      if (part === "@items" || part === "@values") current = current.item;
      else if (part === "@keys") current = current.key;
      else current = current.fields?.get(part);
      if (current === undefined) return undefined;
    }
    return { min: 0, max: current.most };
  };
}
