import type { GroupVersionKind } from "../../meta/resource.ts";
import type { Dialect, Json } from "./dialect.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
/** What OpenAPI v2 has no word for. */
const onlyInV3 = new Set(["oneOf", "anyOf", "allOf", "not", "nullable"]);

/** The published schema of a custom resource with what every object has. @upstream apiextensions-apiserver/pkg/controller/openapi/builder/builder.go */
export function customDefinition(dialect: Dialect, { group, version, kind }: GroupVersionKind, published: Json | undefined, refer: (name: string) => Json): Json {
  const kinds = { "x-kubernetes-group-version-kind": [{ group, kind, version }] };
  if (published === undefined) return { type: "object", ...kinds };
  const schema = dialect === "v2" ? forV2(published) : published;
  if (schema["type"] !== "object") return { ...schema, ...kinds };
  const properties = {
    ...(schema["properties"] as Json | undefined),
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: dialect === "v2" ? refer(`${META}ObjectMeta`) : { allOf: [refer(`${META}ObjectMeta`)] },
  };
  return { ...schema, properties, ...kinds };
}

export function customListDefinition({ group, version, kind }: GroupVersionKind, item: string, refer: (name: string) => Json): Json {
  return {
    properties: {
      apiVersion: { type: "string" },
      items: { items: refer(item), type: "array" },
      kind: { type: "string" },
      metadata: refer(`${META}ListMeta`),
    },
    required: ["items"],
    type: "object",
    "x-kubernetes-group-version-kind": [{ group, kind: `${kind}List`, version }],
  };
}

/** The part of a schema that v2 can say, loosened where it cannot. @upstream apiextensions-apiserver/pkg/controller/openapi/v2/conversion.go */
function forV2(schema: Json): Json {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) if (!onlyInV3.has(key)) out[key] = value;
  // Clients check against v2 before they send: null and unknown fields must pass.
  if (schema["nullable"] === true || schema["x-kubernetes-int-or-string"] === true) {
    for (const key of ["type", "properties", "items", "additionalProperties"]) delete out[key];
    return out;
  }
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) {
    for (const key of ["properties", "items"]) delete out[key];
    return out;
  }
  if (isJson(out["properties"])) out["properties"] = Object.fromEntries(Object.entries(out["properties"]).map(([name, value]) => [name, isJson(value) ? forV2(value) : value]));
  for (const key of ["items", "additionalProperties"]) {
    const inner = out[key];
    if (isJson(inner)) out[key] = forV2(inner);
  }
  return out;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
