import type { ServedResource } from "../resources/served-resource.ts";
import { Definitions } from "./definitions.ts";
import type { Json } from "./dialect.ts";
import { textOf } from "./document-v3.ts";
import type { Operation, PathDocument } from "./operations.ts";
import type { Parameter } from "./parameters.ts";

/** kubectl looks for these among an operation's own parameters and does not follow references. */
const inline = new Set(["dryRun", "fieldValidation", "name"]);

/** The whole API as one OpenAPI v2 document. */
export function documentV2(paths: readonly PathDocument[], served: readonly ServedResource[], version: string): Json {
  const definitions = new Definitions("v2", served);
  const shared = new Map<string, Json>();
  const parameter = (one: Parameter): Json => {
    if (inline.has(one.name)) return parameterV2(one);
    const key = `${one.name}-${one.in}`;
    if (!shared.has(key)) shared.set(key, parameterV2(one));
    return { $ref: `#/parameters/${key}` };
  };
  const items: Record<string, Json> = {};
  for (const { path, parameters, operations } of [...paths].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    items[path] = {
      ...Object.fromEntries(operations.map((operation) => [operation.method, operationV2(operation, definitions, parameter)])),
      ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameter) }),
    };
  }
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version },
    paths: items,
    definitions: definitions.all(),
    parameters: Object.fromEntries([...shared].sort(([a], [b]) => (a < b ? -1 : 1))),
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    security: [{ BearerToken: [] }],
  };
}

function operationV2({ id, tag, action, kind, parameters, body, produces, responses }: Operation, definitions: Definitions, parameter: (one: Parameter) => Json): Json {
  const schemaOf = (name: string): Json => (name === "string" ? { type: "string" } : definitions.refer(name));
  const bodies = body === undefined ? [] : [{ name: "body", in: "body", ...(body.required ? { required: true } : {}), schema: schemaOf(body.definition) }];
  const all = [...bodies, ...parameters.map(parameter)];
  return {
    consumes: body?.types ?? (action === undefined ? produces : ["*/*"]),
    produces,
    schemes: ["https"],
    tags: [tag],
    operationId: id,
    ...(all.length === 0 ? {} : { parameters: all }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, name]) => [code, name === undefined ? { description: textOf(code) } : { description: textOf(code), schema: schemaOf(name) }]),
    ),
    ...(action === undefined ? {} : { "x-kubernetes-action": action }),
    ...(kind === undefined ? {} : { "x-kubernetes-group-version-kind": { group: kind.group, kind: kind.kind, version: kind.version } }),
  };
}

function parameterV2({ name, in: where, type }: Parameter): Json {
  return { uniqueItems: true, type, name, in: where, ...(where === "path" ? { required: true } : {}) };
}
