import { describe, expect, it } from "vitest";
import type { Cipher } from "../../platform/ciphers.ts";
import { storeContract } from "../contract-suite.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { EncryptedStore } from "./encrypted-store.ts";
import { type NamedCipher, Transformer } from "./transformer.ts";

/** Not secret, but seen in the bytes: every byte changed, and the key's length before it. */
const xor = (by: number): Cipher => ({
  seal(plain, context) {
    const sealed = new Uint8Array(plain.length + 1);
    sealed[0] = context.length;
    sealed.set(
      plain.map((byte) => byte ^ by),
      1,
    );
    return sealed;
  },
  open(sealed, context) {
    if (sealed[0] !== context.length) throw new Error("another key");
    return sealed.subarray(1).map((byte) => byte ^ by);
  },
});
const named = (name: string, by: number): NamedCipher => ({ prefix: `k8s:enc:test:v1:${name}:`, cipher: xor(by) });
const identity: NamedCipher = { prefix: "" };
const over = (store: MemoryStore, ...ciphers: NamedCipher[]): EncryptedStore => {
  const transformer = new Transformer(ciphers);
  return new EncryptedStore({ transformerFor: (key) => (key.startsWith("/open/") ? undefined : transformer) }, { store });
};

storeContract(
  "EncryptedStore over MemoryStore",
  async () => {
    const store = over(new MemoryStore(), named("a", 0x55));
    return { store, restore: async (snapshot) => over(await MemoryStore.restore(snapshot), named("a", 0x55)), dispose: () => store.close() };
  },
  { runs: 100 },
);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);
const { signal } = new AbortController();

describe("what lies below", () => {
  it("is sealed, save where no transformer is", async () => {
    const inner = new MemoryStore();
    const store = over(inner, named("a", 1), identity);
    await store.commit([
      { type: "put", key: "/secret/x", value: bytes("plain") },
      { type: "put", key: "/open/x", value: bytes("plain") },
    ]);
    const [open, sealed] = (await inner.range("")).entries.map(({ value }) => text(value));
    expect(open).toBe("plain");
    expect(sealed).toMatch(/^k8s:enc:test:v1:a:/);
    expect(sealed).not.toContain("plain");
  });

  it("is opened by whichever key sealed it, and rewritten to the first", async () => {
    const inner = new MemoryStore();
    await over(inner, identity).commit([{ type: "put", key: "/s/old", value: bytes("never sealed") }]);
    await over(inner, named("a", 1)).commit([{ type: "put", key: "/s/a", value: bytes("by a") }]);
    const rotating = over(inner, named("b", 2), named("a", 1), identity);
    expect((await rotating.range("/s/")).entries.map(({ value }) => text(value))).toEqual(["by a", "never sealed"]);
    expect(await rotating.rewriteStale("/s/", signal)).toBe(2);
    expect(await rotating.rewriteStale("/s/", signal)).toBe(0);
    const onlyNew = over(inner, named("b", 2));
    expect((await onlyNew.range("/s/")).entries.map(({ value }) => text(value))).toEqual(["by a", "never sealed"]);
  });

  it("is refused when its key is gone, or it stands at another key", async () => {
    const inner = new MemoryStore();
    await over(inner, named("a", 1)).commit([{ type: "put", key: "/s/x", value: bytes("v") }]);
    await expect(over(inner, named("b", 2), identity).range("/s/")).rejects.toThrow('unable to transform key "/s/x": no configured key opens it');
    const [entry] = (await inner.range("/s/")).entries;
    await inner.commit([{ type: "put", key: "/s/longer", value: entry?.value ?? bytes("") }]);
    await expect(over(inner, named("a", 1)).range("/s/longer")).rejects.toThrow("another key");
  });
});
