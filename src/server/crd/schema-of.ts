import { schemaByName } from "../../api/schemas.ts";
import type { Schema } from "../../meta/schema.ts";
import { isEmbedded, isIntOrString, keepsUnknown, type Structural } from "./structural.ts";

const text: Schema = { type: "string" };
const anything: Schema = { type: "any" };

/** The shape of a custom object, for patches and for who owns which field. */
export function schemaOf(schema: Structural): Schema {
  return objectSchema(schema, true);
}

function convert(schema: Structural): Schema {
  if (isIntOrString(schema)) return { type: "int-or-string" };
  const base = schema.default === undefined ? {} : { default: schema.default };
  switch (schema.type) {
    case "string":
      return { type: "string", ...base };
    case "boolean":
      return { type: "boolean", ...base };
    case "integer":
      return { type: "int64", ...base };
    case "number":
      return { type: "double", ...base };
    case "array":
      return {
        type: "array",
        items: schema.items === undefined ? anything : convert(schema.items),
        listType: (schema["x-kubernetes-list-type"] as Schema["listType"]) ?? "atomic",
        ...(schema["x-kubernetes-list-map-keys"] === undefined ? {} : { listMapKeys: schema["x-kubernetes-list-map-keys"] }),
      };
    case "object":
      return objectSchema(schema, isEmbedded(schema));
    default:
      return anything;
  }
}

function objectSchema(schema: Structural, isObject: boolean): Schema {
  const mapType = schema["x-kubernetes-map-type"] as Schema["mapType"];
  const kind = mapType === undefined ? {} : { mapType };
  if (schema.properties === undefined && typeof schema.additionalProperties === "object") return { type: "map", items: convert(schema.additionalProperties), ...kind };
  if (schema.properties === undefined && !isObject)
    return keepsUnknown(schema) || schema.additionalProperties === true ? { type: "map", items: anything, ...kind } : { type: "object", fields: {}, ...kind };
  const fields: Record<string, Schema> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) fields[name] = convert(property as Structural);
  if (isObject) Object.assign(fields, { apiVersion: text, kind: text, metadata: schemaByName("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta") ?? anything });
  return { type: "object", fields, required: schema.required, preserveUnknownFields: keepsUnknown(schema), ...kind };
}
