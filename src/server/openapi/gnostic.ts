import { Writer } from "../../api/wire/writer.ts";
import type { Json } from "./dialect.ts";

/**
 * An OpenAPI v2 document as gnostic's protobuf has it: what client-go asks for. Takes what documentV2 makes.
 * @upstream github.com/google/gnostic-models/openapiv2/OpenAPIv2.proto
 */
export function encodeGnosticV2(document: Json): Uint8Array {
  const out = new Writer();
  text(out, 1, document["swagger"]);
  message(out, 2, () => {
    const info = json(document["info"]);
    text(out, 1, info["title"]);
    text(out, 2, info["version"]);
  });
  message(out, 8, () => named(out, 2, json(document["paths"]), (item) => pathItem(out, json(item))));
  message(out, 9, () => named(out, 1, json(document["definitions"]), (item) => schema(out, json(item))));
  message(out, 10, () => named(out, 1, json(document["parameters"]), (item) => parameter(out, json(item))));
  for (const requirement of list(document["security"])) message(out, 12, () => named(out, 1, json(requirement), (scopes) => texts(out, 1, scopes)));
  message(out, 13, () =>
    named(out, 1, json(document["securityDefinitions"]), (item) =>
      message(out, 2, () => {
        const security = json(item);
        text(out, 1, security["type"]);
        text(out, 2, security["name"]);
        text(out, 3, security["in"]);
      }),
    ),
  );
  return out.finish();
}

const methods = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const;

function pathItem(out: Writer, item: Json): void {
  for (const [method, field] of Object.entries(methods)) {
    const operation = item[method];
    if (operation !== undefined) message(out, field, () => writeOperation(out, json(operation)));
  }
  for (const one of list(item["parameters"])) message(out, 9, () => parametersItem(out, json(one)));
}

function writeOperation(out: Writer, operation: Json): void {
  texts(out, 1, operation["tags"]);
  text(out, 5, operation["operationId"]);
  texts(out, 6, operation["produces"]);
  texts(out, 7, operation["consumes"]);
  for (const one of list(operation["parameters"])) message(out, 8, () => parametersItem(out, json(one)));
  message(out, 9, () =>
    named(out, 1, json(operation["responses"]), (response) =>
      message(out, 1, () => {
        const { description, schema: answer } = json(response) as { readonly description?: unknown; readonly schema?: unknown };
        text(out, 1, description);
        if (answer !== undefined) message(out, 2, () => message(out, 1, () => schema(out, json(answer))));
      }),
    ),
  );
  texts(out, 10, operation["schemes"]);
  extensions(out, 13, operation);
}

function parametersItem(out: Writer, one: Json): void {
  const reference = one["$ref"];
  if (reference === undefined) message(out, 1, () => parameter(out, one));
  else message(out, 2, () => text(out, 1, reference));
}

function parameter(out: Writer, one: Json): void {
  if (one["in"] === "body") {
    message(out, 1, () => {
      text(out, 2, one["name"]);
      text(out, 3, one["in"]);
      flag(out, 4, one["required"]);
      message(out, 5, () => schema(out, json(one["schema"])));
    });
    return;
  }
  const isPath = one["in"] === "path";
  message(out, 2, () =>
    message(out, isPath ? 4 : 3, () => {
      flag(out, 1, one["required"]);
      text(out, 2, one["in"]);
      text(out, 4, one["name"]);
      text(out, isPath ? 5 : 6, one["type"]);
      flag(out, isPath ? 19 : 20, one["uniqueItems"]);
    }),
  );
}

const schemaTexts = { $ref: 1, format: 2, title: 3, description: 4, pattern: 13, discriminator: 26 } as const;
const schemaNumbers = { multipleOf: 6, maximum: 7, minimum: 9 } as const;
const schemaCounts = { maxLength: 11, minLength: 12, maxItems: 14, minItems: 15, maxProperties: 17, minProperties: 18 } as const;
const schemaFlags = { exclusiveMaximum: 8, exclusiveMinimum: 10, uniqueItems: 16, readOnly: 27 } as const;

function schema(out: Writer, value: Json): void {
  for (const [key, field] of Object.entries(schemaTexts)) text(out, field, value[key]);
  for (const [key, field] of Object.entries(schemaNumbers)) {
    const number = value[key];
    if (typeof number !== "number") continue;
    out.tag(field, 1);
    out.double(number);
  }
  for (const [key, field] of Object.entries(schemaCounts)) {
    const number = value[key];
    if (typeof number !== "number") continue;
    out.tag(field, 0);
    out.varint(number);
  }
  for (const [key, field] of Object.entries(schemaFlags)) flag(out, field, value[key]);
  if (value["default"] !== undefined) message(out, 5, () => any(out, value["default"]));
  texts(out, 19, value["required"]);
  for (const one of list(value["enum"])) message(out, 20, () => any(out, one));
  const additional = value["additionalProperties"];
  if (typeof additional === "boolean") message(out, 21, () => flag(out, 2, additional));
  else if (additional !== undefined) message(out, 21, () => message(out, 1, () => schema(out, json(additional))));
  if (value["type"] !== undefined) message(out, 22, () => text(out, 1, value["type"]));
  if (value["items"] !== undefined) message(out, 23, () => message(out, 1, () => schema(out, json(value["items"]))));
  for (const one of list(value["allOf"])) message(out, 24, () => schema(out, json(one)));
  if (value["properties"] !== undefined) message(out, 25, () => named(out, 1, json(value["properties"]), (property) => schema(out, json(property))));
  if (value["example"] !== undefined) message(out, 30, () => any(out, value["example"]));
  extensions(out, 31, value);
}

function extensions(out: Writer, field: number, value: Json): void {
  for (const [name, extension] of Object.entries(value)) {
    if (!name.startsWith("x-")) continue;
    message(out, field, () => {
      text(out, 1, name);
      message(out, 2, () => any(out, extension));
    });
  }
}

/** Any value stands as YAML; JSON is YAML. */
function any(out: Writer, value: unknown): void {
  text(out, 2, `${JSON.stringify(value)}\n`);
}

/** A map: one message with name and value for each entry. */
function named(out: Writer, field: number, values: Json, write: (value: unknown) => void): void {
  for (const [name, value] of Object.entries(values)) {
    message(out, field, () => {
      text(out, 1, name);
      message(out, 2, () => write(value));
    });
  }
}

function message(out: Writer, field: number, write: () => void): void {
  out.tag(field, 2);
  out.embedded(write);
}

function text(out: Writer, field: number, value: unknown): void {
  if (typeof value !== "string" || value === "") return;
  out.tag(field, 2);
  out.text(value);
}

function texts(out: Writer, field: number, values: unknown): void {
  for (const value of list(values)) {
    out.tag(field, 2);
    out.text(String(value));
  }
}

function flag(out: Writer, field: number, value: unknown): void {
  if (value !== true) return;
  out.tag(field, 0);
  out.varint(1);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function json(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}
