import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Schema } from "../../meta/schema.ts";
import { builtinResources } from "../resource-facts.ts";
import { schemaByName } from "../schemas.ts";
import { readEnvelope, sealEnvelope } from "./envelope.ts";
import { envelopeOfList, envelopeOfMember, memberBytes, watchFrame } from "./joined.ts";
import { decodeMessage } from "./decode-message.ts";
import { pointerFields } from "./pointer-fields.ts";
import { wireMessage } from "./tables.ts";

const word = fc.stringMatching(/^[a-zé☃][a-z0-9]{0,6}$/);
const seconds = fc.integer({ min: 1, max: 4_000_000_000 });
const json = fc.oneof(fc.record({ a: word, b: fc.integer() }), fc.array(word, { minLength: 1, maxLength: 2 }));

/** Alpha fields that the definitions of v1.36 have and the published messages have not. */
const notOnWire = new Set(["nodeAllocatableResourceMappings", "io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus.resources"]);

/** Values of a shape. What Go cannot tell from "not set" (zeros of plain fields, empty lists) is left out, as it is in a real server's JSON. */
function valueOf(schema: Schema, name: string, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (schema.type) {
    case "string":
      return pointerFields.has(name) ? fc.oneof(word, fc.constant("")) : word;
    case "boolean":
      return pointerFields.has(name) ? fc.boolean() : fc.constant(true);
    case "int32":
    case "int64": {
      const whole = schema.type === "int32" ? fc.integer() : fc.maxSafeInteger();
      return pointerFields.has(name) ? fc.oneof(whole, fc.constant(0)) : whole.filter((value) => value !== 0);
    }
    case "double":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0);
    case "bytes":
      return fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => btoa(String.fromCharCode(...bytes)));
    case "quantity":
      return fc.integer({ min: 1, max: 5000 }).map((value) => `${value}m`);
    case "time":
      return seconds.map((value) => `${new Date(value * 1000).toISOString().slice(0, 19)}Z`);
    case "microtime":
      return fc
        .tuple(seconds, fc.integer({ min: 0, max: 999_999 }))
        .map(([value, micro]) => `${new Date(value * 1000).toISOString().slice(0, 19)}.${String(micro).padStart(6, "0")}Z`);
    case "int-or-string":
      return fc.oneof(fc.integer(), word);
    case "any":
      if (schema.name?.endsWith("PropsOrStringArray") === true) return fc.array(word, { minLength: 1 });
      return schema.name?.includes("JSONSchemaPropsOr") === true ? fc.record({ type: word, minLength: fc.integer() }) : json;
    case "array": {
      const item = schema.items === undefined || depth <= 0 ? undefined : valueOf(schema.items, "", depth - 1);
      return item === undefined ? undefined : fc.array(item, { minLength: 1, maxLength: 2 });
    }
    case "map": {
      const item = schema.items === undefined || depth <= 0 ? undefined : valueOf(schema.items, "", depth - 1);
      return item === undefined ? undefined : fc.dictionary(word, item, { minKeys: 1, maxKeys: 2 });
    }
    default:
      return depth <= 0 ? undefined : objectOf(schema, depth - 1);
  }
}

function objectOf(schema: Schema, depth: number): fc.Arbitrary<Record<string, unknown>> | undefined {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  const onWire = wireNames(schema.name ?? "");
  for (const [name, field] of Object.entries(schema.fields ?? {})) {
    if ((name === "apiVersion" || name === "kind") && !onWire.has(name)) continue;
    if (notOnWire.has(name) || notOnWire.has(`${schema.name ?? ""}.${name}`)) continue;
    const value = valueOf(field, name, depth);
    if (value !== undefined) fields[name] = value;
  }
  return fc.record(fields, { requiredKeys: [] });
}

function wireNames(definition: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, value } of wireMessage(definition)?.fields ?? []) {
    if (name !== "") names.add(name);
    else if (value.type === "message") for (const inner of wireNames(value.name)) names.add(inner);
  }
  return names;
}

const join = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));
const stored = builtinResources.filter(({ verbs }) => verbs.includes("list"));

describe("every kind survives its way through protobuf", () => {
  it.each(stored.map((fact) => [`${fact.group}/${fact.version} ${fact.kind}`, fact] as const))("%s", (_, { definition, group, version, kind }) => {
    const schema = schemaByName(definition);
    if (schema === undefined) throw new Error(`no schema of ${definition}`);
    const type = { apiVersion: group === "" ? version : `${group}/${version}`, kind };
    fc.assert(
      fc.property(objectOf(schema, 5) ?? fc.constant({}), (rest) => {
        const object = { ...rest, ...type };
        const bytes = sealEnvelope(definition, object);
        if (bytes === undefined) throw new Error("no message");
        expect(readEnvelope(definition, bytes)).toEqual(object);
        expect(join(envelopeOfMember(type, memberBytes(definition, object) ?? new Uint8Array()))).toEqual(bytes);
      }),
      { numRuns: 8, seed: 11 },
    );
  });
});

it("joins encoded items to the bytes of the whole list", () => {
  const items = ["a", "b", "c".repeat(300)].map((name) => ({ metadata: { name, labels: { x: name } }, data: { k: name } }));
  const metadata = { resourceVersion: "7", continue: "t" };
  const type = { apiVersion: "v1", kind: "ConfigMapList" };
  const definition = "io.k8s.api.core.v1.ConfigMap";
  const members = items.map((item) => memberBytes(definition, item) ?? new Uint8Array());
  const list = { ...type, metadata, items };
  expect(join(envelopeOfList(type, metadata, members))).toEqual(sealEnvelope(`${definition}List`, list));
});

it.each([3, 200, 70_000])("frames an event of about %i bytes", (length) => {
  const pod = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { k: "v".repeat(length) } };
  const envelope = envelopeOfMember(pod, memberBytes("io.k8s.api.core.v1.ConfigMap", pod) ?? new Uint8Array());
  const frame = watchFrame("ADDED", envelope);
  expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - 4);
  // The object in the event is no JSON: read by hand as WatchEvent{1: type, 2: {1: bytes}}.
  const tail = join(envelope);
  expect(Buffer.from(frame.subarray(frame.length - tail.length))).toEqual(Buffer.from(tail));
  expect(readEnvelope("io.k8s.api.core.v1.ConfigMap", frame.subarray(frame.length - tail.length))).toEqual(pod);
  expect(decodeMessage("io.k8s.apimachinery.pkg.apis.meta.v1.TypeMeta", frame.subarray(4, 4 + 2 + 5))).toEqual({ kind: "ADDED" });
});
