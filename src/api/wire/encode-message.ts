import { fromBase64 } from "./base64.ts";
import { type WireField, wireMessage, type WireValue } from "./tables.ts";
import { Writer } from "./writer.ts";

type Json = Readonly<Record<string, unknown>>;

/** Writes a JSON-shaped object as the message of that definition; undefined when there is no such message. */
export function encodeMessage(name: string, object: unknown): Uint8Array | undefined {
  if (wireMessage(name) === undefined) return undefined;
  const writer = new Writer();
  writeMessage(writer, name, object as Json);
  return writer.finish();
}

function writeMessage(writer: Writer, name: string, object: Json): void {
  for (const field of wireMessage(name)?.fields ?? []) writeField(writer, field, object);
}

function writeField(writer: Writer, { number, name, kind, value }: WireField, object: Json): void {
  if (name === "" && value.type === "message") {
    // Inline in JSON, a message of its own here: always there when Go embeds it by value.
    writer.tag(number, 2);
    writer.embedded(() => writeMessage(writer, value.name, object));
    return;
  }
  const given = object[name];
  if (given === undefined || given === null) return;
  if (kind === "repeated") {
    for (const item of given as readonly unknown[]) writeValue(writer, number, value, item);
    return;
  }
  if (kind === "map") {
    for (const key of Object.keys(given).sort()) {
      writer.tag(number, 2);
      writer.embedded(() => {
        writer.tag(1, 2);
        writer.text(key);
        writeValue(writer, 2, value, (given as Json)[key]);
      });
    }
    return;
  }
  writeValue(writer, number, value, given);
}

function writeValue(writer: Writer, number: number, value: WireValue, given: unknown): void {
  switch (value.type) {
    case "bool":
      writer.tag(number, 0);
      writer.varint(given === true ? 1 : 0);
      return;
    case "varint":
      writer.tag(number, 0);
      writer.varint(Number(given));
      return;
    case "double":
      writer.tag(number, 1);
      writer.double(Number(given));
      return;
    case "string":
      writer.tag(number, 2);
      writer.text(String(given));
      return;
    case "bytes":
      writer.tag(number, 2);
      writer.bytes(fromBase64(String(given)));
      return;
    default:
      writer.tag(number, 2);
      writer.embedded(() => writeInner(writer, value, given));
  }
}

const utf8 = new TextEncoder();

function writeInner(writer: Writer, value: WireValue, given: unknown): void {
  switch (value.type) {
    case "message":
      writeMessage(writer, value.name, given as Json);
      return;
    case "wrapped-list":
      for (const item of given as readonly unknown[]) writeValue(writer, 1, value.value, item);
      return;
    case "quantity":
      writer.tag(1, 2);
      writer.text(String(given));
      return;
    case "time":
    case "microtime": {
      const text = String(given);
      const ms = Date.parse(text);
      const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
      writer.tag(1, 0);
      writer.varint(Math.floor(ms / 1000));
      writer.tag(2, 0);
      writer.varint(value.type === "time" ? 0 : Number(fraction.padEnd(9, "0")));
      return;
    }
    case "int-or-string":
      writer.tag(1, 0);
      writer.varint(typeof given === "number" ? 0 : 1);
      writer.tag(2, 0);
      writer.varint(typeof given === "number" ? given : 0);
      writer.tag(3, 2);
      writer.text(typeof given === "number" ? "" : String(given));
      return;
    case "raw-extension":
    case "json":
      writer.tag(1, 2);
      writer.bytes(utf8.encode(JSON.stringify(given)));
      return;
    default:
      writeSchemaChoice(writer, value.type, given);
  }
}

const SCHEMA: WireValue = { type: "message", name: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps" };

/** The unions of a CRD's schema: one of a schema, a list, a boolean. */
function writeSchemaChoice(writer: Writer, type: WireValue["type"], given: unknown): void {
  if (type === "schema-or-bool") {
    writer.tag(1, 0);
    writer.varint(given === false ? 0 : 1);
    if (typeof given === "object") writeValue(writer, 2, SCHEMA, given);
    return;
  }
  if (!Array.isArray(given)) {
    writeValue(writer, 1, SCHEMA, given);
    return;
  }
  for (const item of given) writeValue(writer, 2, type === "schema-or-strings" ? { type: "string" } : SCHEMA, item);
}
