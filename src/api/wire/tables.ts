import { protobufFacts } from "../generated/protobuf.ts";

/** How one field goes over the wire. */
export interface WireField {
  readonly number: number;
  /** Empty for a message whose fields JSON has inline. */
  readonly name: string;
  readonly kind: "single" | "repeated" | "map";
  readonly value: WireValue;
}

export type WireValue =
  | {
      readonly type:
        | "string"
        | "bool"
        | "varint"
        | "double"
        | "bytes"
        | "quantity"
        | "time"
        | "microtime"
        | "int-or-string"
        | "raw-extension"
        | "json"
        | "schema-or-array"
        | "schema-or-bool"
        | "schema-or-strings";
    }
  | { readonly type: "message"; readonly name: string }
  /** A message around a list of one kind: JSON has the list alone. */
  | { readonly type: "wrapped-list"; readonly value: WireValue };

export interface WireMessage {
  readonly fields: readonly WireField[];
  readonly byNumber: ReadonlyMap<number, WireField>;
}

type Facts = Readonly<Record<string, readonly (readonly [number, string, string])[]>>;

let facts: Facts | undefined;
const messages = new Map<string, WireMessage | undefined>();

const codes: Readonly<Record<string, WireValue>> = {
  s: { type: "string" },
  b: { type: "bool" },
  v: { type: "varint" },
  d: { type: "double" },
  B: { type: "bytes" },
  Q: { type: "quantity" },
  T: { type: "time" },
  M: { type: "microtime" },
  I: { type: "int-or-string" },
  X: { type: "raw-extension" },
  J: { type: "json" },
  A: { type: "schema-or-array" },
  O: { type: "schema-or-bool" },
  S: { type: "schema-or-strings" },
};

/** The wire table of a definition by its OpenAPI name; built when first asked for. */
export function wireMessage(name: string): WireMessage | undefined {
  if (messages.has(name)) return messages.get(name);
  facts ??= JSON.parse(protobufFacts) as Facts;
  const known = facts[name];
  const fields = known?.map(([number, code, json]) => fieldOf(number, code, json));
  const message = fields === undefined ? undefined : { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
  messages.set(name, message);
  return message;
}

function fieldOf(number: number, code: string, name: string): WireField {
  const kind = code.startsWith("*") ? "repeated" : code.startsWith("%") ? "map" : "single";
  return { number, name, kind, value: valueOf(kind === "single" ? code : code.slice(1)) };
}

function valueOf(code: string): WireValue {
  if (code.startsWith("#")) return { type: "message", name: code.slice(1) };
  if (code.startsWith("=")) return { type: "wrapped-list", value: valueOf(code.slice(1)) };
  return codes[code] ?? { type: "bytes" };
}
