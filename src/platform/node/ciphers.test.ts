import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeCiphers } from "./ciphers.ts";
import { openBox, sealBox } from "./secretbox.ts";

/** T(1) = HMAC(PRK, info | 0x01), written out as the RFC has it. */
const hkdfExpand = (seed: Uint8Array, info: Uint8Array): Buffer =>
  createHmac("sha256", seed)
    .update(Buffer.concat([Buffer.alloc(0), info, Buffer.from([1])]))
    .digest();
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

// The worked example of "Cryptography in NaCl", section 10.
it("seals the box that NaCl's own example seals", () => {
  const key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
  const nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
  const plain = hex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
  );
  const box = sealBox(plain, nonce, key);
  expect(Buffer.from(box).toString("hex")).toBe(
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
  );
  expect(openBox(box, nonce, key)).toEqual(plain);
});

describe.each(["aescbc", "aesgcm", "derivedAesgcm", "secretbox"] as const)("%s", (name) => {
  const cipher = nodeCiphers[name](new Uint8Array(32).fill(7));
  const other = nodeCiphers[name](new Uint8Array(32).fill(8));

  it("opens what it sealed, each time sealed anew", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (plain) => {
        const sealed = cipher.seal(plain, "/registry/secrets/a/b");
        expect(cipher.open(sealed, "/registry/secrets/a/b")).toEqual(plain);
        expect(cipher.seal(plain, "/registry/secrets/a/b")).not.toEqual(sealed);
      }),
      { numRuns: 30 },
    );
  });

  it.runIf(name !== "aescbc")("notices another key and changed bytes", () => {
    const sealed = cipher.seal(Uint8Array.of(1, 2, 3), "k");
    expect(() => other.open(sealed, "k")).toThrow();
    expect(() =>
      cipher.open(
        sealed.map((byte, index) => (index === sealed.length - 1 ? byte ^ 1 : byte)),
        "k",
      ),
    ).toThrow();
    expect(() => cipher.open(sealed.subarray(0, 10), "k")).toThrow();
  });
});

it("binds a value to its key with AES-GCM", () => {
  const cipher = nodeCiphers.aesgcm(new Uint8Array(16));
  expect(() => cipher.open(cipher.seal(Uint8Array.of(1), "/registry/secrets/a/b"), "/registry/secrets/a/c")).toThrow();
});

it("derives each value's key as HKDF's expansion does", () => {
  const seed = new Uint8Array(32).map((_, index) => index);
  const info = new Uint8Array(32).fill(9);
  const key = new Uint8Array(hkdfExpand(seed, info));
  const sealed = new Uint8Array([...info, ...nodeCiphers.aesgcm(key).seal(Uint8Array.of(1, 2, 3), "/registry/secrets/a/b")]);
  expect(nodeCiphers.derivedAesgcm(seed).open(sealed, "/registry/secrets/a/b")).toEqual(Uint8Array.of(1, 2, 3));
  expect(() => nodeCiphers.derivedAesgcm(new Uint8Array(31))).toThrow("a seed for keys has at least 32 bytes");
});

it("refuses keys of the wrong length", () => {
  expect(() => nodeCiphers.aescbc(new Uint8Array(31))).toThrow("an AES key has 16, 24 or 32 bytes");
  expect(() => nodeCiphers.secretbox(new Uint8Array(16))).toThrow("a secretbox key has 32 bytes");
});
