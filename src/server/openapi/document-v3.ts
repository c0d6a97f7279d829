import type { ServedResource } from "../resources/served-resource.ts";
import { Definitions } from "./definitions.ts";
import type { Json } from "./dialect.ts";
import type { Operation, PathDocument } from "./operations.ts";
import type { Parameter } from "./parameters.ts";

/** One OpenAPI v3 document of some paths with the schemas that they lead to. `served` is the whole table. */
export function documentV3(paths: readonly PathDocument[], served: readonly ServedResource[], version: string): Json {
  const definitions = new Definitions("v3", served);
  const items: Record<string, Json> = {};
  for (const { path, parameters, operations } of [...paths].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    items[path] = {
      ...Object.fromEntries(operations.map((operation) => [operation.method, operationV3(operation, definitions)])),
      ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterV3) }),
    };
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: items,
    components: { schemas: definitions.all(), securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } } },
  };
}

function operationV3({ id, tag, action, kind, parameters, body, produces, responses }: Operation, definitions: Definitions): Json {
  const schemaOf = (name: string): Json => (name === "string" ? { type: "string" } : definitions.refer(name));
  const content = (name: string, types: readonly string[]): Json => Object.fromEntries(types.map((type) => [type, { schema: schemaOf(name) }]));
  return {
    tags: [tag],
    operationId: id,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterV3) }),
    ...(body === undefined ? {} : { requestBody: { content: content(body.definition, body.types), ...(body.required ? { required: true } : {}) } }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, name]) => [code, name === undefined ? { description: textOf(code) } : { description: textOf(code), content: content(name, produces) }]),
    ),
    ...(action === undefined ? {} : { "x-kubernetes-action": action }),
    ...(kind === undefined ? {} : { "x-kubernetes-group-version-kind": { group: kind.group, version: kind.version, kind: kind.kind } }),
  };
}

function parameterV3({ name, in: where, type }: Parameter): Json {
  return { name, in: where, ...(where === "path" ? { required: true } : {}), schema: { type, uniqueItems: true } };
}

const texts: { readonly [code: string]: string | undefined } = { 200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized" };

/** OpenAPI requires that a response has a description. */
export function textOf(code: string): string {
  return texts[code] ?? "";
}
