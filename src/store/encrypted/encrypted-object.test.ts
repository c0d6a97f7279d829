import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeObject, encodeObject, keySources } from "./encrypted-object.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

it("is written as protobuf has it", () => {
  const encoded = encodeObject({ data: bytes(1, 2), keyId: "k1", sealedKey: bytes(9), annotations: { "b.example": bytes(7), "a.example": bytes() }, source: keySources.seed });
  expect(Buffer.from(encoded).toString("hex")).toBe(
    // 1: data, 2: "k1", 3: sealed key, 4: two pairs in the order of their names, 5: 1
    ["0a020102", "12026b31", "1a0109", "220b0a09612e6578616d706c65", "220e0a09622e6578616d706c65120107", "2801"].join(""),
  );
});

it("is read as it was written", () => {
  fc.assert(
    fc.property(
      fc.record({
        data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
        keyId: fc.string({ maxLength: 20 }),
        sealedKey: fc.uint8Array({ maxLength: 200 }),
        annotations: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}\.[a-z]{1,8}$/), fc.uint8Array({ maxLength: 20 }), { maxKeys: 4, noNullPrototype: true }),
        source: fc.constantFrom(keySources.key, keySources.seed),
      }),
      (object) => {
        expect(decodeObject(encodeObject(object))).toEqual(object);
      },
    ),
  );
});

it.each([
  ["nothing", bytes(), "encrypted data is empty"],
  ["a length beyond the end", bytes(0x0a, 5, 1), "no encrypted object"],
  ["an endless number", new Uint8Array(20).fill(0xff), "no encrypted object"],
  ["a source nobody knows", bytes(0x0a, 1, 1, 0x28, 7), "unknown encryptedDEKSourceType: 7"],
])("refuses %s", (_name, value, message) => {
  expect(() => decodeObject(value)).toThrow(message);
});
