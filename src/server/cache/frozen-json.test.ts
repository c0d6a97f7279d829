import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../meta/object.ts";
import { frozenJson } from "./frozen-json.ts";

const head = { apiVersion: "v1", kind: "A" };
const objectWith = (parts: object): KubeObject => ({ ...head, metadata: {}, ...parts }) as KubeObject;
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
const isFrozen = (value: unknown): boolean => typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));

describe("frozenJson", () => {
  it("writes what JSON.stringify does, and freezes all of it", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 40 }), fc.string({ minLength: 250, maxLength: 260 }));
    const leaf = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("tree"), { maxLength: 5 }), fc.dictionary(text, tie("tree"), { maxKeys: 5, noNullPrototype: true })),
    }));
    fc.assert(
      fc.property(fc.dictionary(text, tree), fc.dictionary(text, tree), (metadata, spec) => {
        const object = objectWith({ metadata, spec });
        const { resourceVersion: _, ...stored } = metadata;
        expect(textOf(frozenJson(object))).toBe(JSON.stringify({ ...object, metadata: stored }));
        expect(object).toSatisfy(isFrozen);
      }),
    );
  });

  it.each([10, 262_144, 1_500_000])("writes %i characters of any kind", (length) => {
    for (const unit of ["a", "é", "😀", "\u0001", '"']) {
      const object = objectWith({ data: { long: unit.repeat(length), short: unit }, list: Array.from({ length: 1_000 }, (_, index) => `${unit}${index}`) });
      expect(textOf(frozenJson(object)) === JSON.stringify(object)).toBe(true);
    }
    expect(textOf(frozenJson(objectWith({ a: 1 })))).toBe('{"apiVersion":"v1","kind":"A","metadata":{},"a":1}');
  });

  it("writes a shared set of fields the same each time, and another one as it is", () => {
    const fieldsV1 = Object.freeze({ "f:data": { "f:a": {} } });
    const of = (fields: object): KubeObject => objectWith({ metadata: { managedFields: [{ manager: "m", fieldsV1: fields }] } });
    for (const object of [of(fieldsV1), of(fieldsV1), of({ "f:data": {} }), of(Object.freeze({ "f:é": {} })), of(fieldsV1)]) {
      expect(textOf(frozenJson(object))).toBe(JSON.stringify(object));
      expect(object).toSatisfy(isFrozen);
    }
    for (let index = 0; index < 2_000; index += 1) frozenJson(of(Object.freeze({ [`f:${index}`]: {} })));
    expect(textOf(frozenJson(of(fieldsV1)))).toBe(JSON.stringify(of(fieldsV1)));
  });
});
