import { bool, bytes, type CelType, double, duration, dyn, escapeFieldName, int, mapOf, type ObjectField, objectOf, string, timestamp } from "../../meta/cel/type.ts";
import { isEmbedded, isIntOrString, keepsUnknown, type Structural } from "./structural.ts";

const metadata = objectOf("object.metadata", { name: string, generateName: string });

/** What rules see of a value. Fields whose names are none in CEL, or whose type nobody knows, are left out. @upstream apiserver/pkg/cel/common/schemas.go */
export function celTypeOf(schema: Structural, isRoot = false): CelType {
  if (isIntOrString(schema)) return dyn;
  switch (schema.type) {
    case "string":
      return textType(schema.format);
    case "boolean":
      return bool;
    case "integer":
      return int;
    case "number":
      return double;
    case "array":
      return {
        kind: "list",
        item: schema.items === undefined ? dyn : celTypeOf(schema.items),
        listType: schema["x-kubernetes-list-type"] === "set" ? "set" : schema["x-kubernetes-list-type"] === "map" ? "map" : undefined,
        keys: schema["x-kubernetes-list-map-keys"],
      };
    case "object":
      return objectType(schema, isRoot || isEmbedded(schema));
    default:
      return dyn;
  }
}

function textType(format: string | undefined): CelType {
  switch (format) {
    case "byte":
      return bytes;
    case "duration":
      return duration;
    case "date":
    case "date-time":
      return timestamp;
    default:
      return string;
  }
}

function objectType(schema: Structural, isObject: boolean): CelType {
  if (typeof schema.additionalProperties === "object") return mapOf(string, celTypeOf(schema.additionalProperties));
  if (schema.properties === undefined && !isObject) return keepsUnknown(schema) ? dyn : mapOf(string, dyn);
  const fields = new Map<string, ObjectField>();
  const add = (raw: string, type: CelType): void => {
    const escaped = escapeFieldName(raw);
    if (escaped !== undefined) fields.set(escaped, { raw, type });
  };
  for (const [raw, property] of Object.entries(schema.properties ?? {})) {
    // What may hold anything has no type that a rule could rely on.
    if (property.type === undefined && !isIntOrString(property)) continue;
    add(raw, celTypeOf(property));
  }
  if (isObject) {
    add("apiVersion", string);
    add("kind", string);
    add("metadata", metadata);
  }
  return { kind: "object", name: "object", fields: () => fields };
}
