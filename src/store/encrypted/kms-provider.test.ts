import { describe, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { Cipher, Ciphers } from "../../platform/ciphers.ts";
import { storeContract } from "../contract-suite.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { EncryptedStore } from "./encrypted-store.ts";
import { KmsProvider, type KmsService } from "./kms-provider.ts";
import { Transformer } from "./transformer.ts";

/** Seen in the bytes: each value's first byte tells the key. */
const xor = (key: Uint8Array): Cipher => {
  const by = key[0] ?? 0;
  return { seal: (plain) => Uint8Array.from([by, ...plain.map((byte) => byte ^ by)]), open: (sealed) => sealed.subarray(1).map((byte) => byte ^ by) };
};
const ciphers: Pick<Ciphers, "aesgcm" | "derivedAesgcm"> = { aesgcm: xor, derivedAesgcm: xor };
const clockOf = (): VirtualClock => new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });

/** A service that "seals" by naming its key; `keyId`, `healthz` and `isGone` are turned by the tests. */
class Service implements KmsService {
  keyId = "one";
  healthz = "ok";
  isGone = false;
  encryptsWith: string | undefined;
  readonly calls: string[] = [];
  status() {
    this.calls.push("status");
    return this.isGone ? Promise.reject(new Error("nothing answers")) : Promise.resolve({ version: "v2", healthz: this.healthz, keyId: this.keyId });
  }
  encrypt(plain: Uint8Array) {
    this.calls.push("encrypt");
    return Promise.resolve({ ciphertext: plain.map((byte) => byte ^ 0xff), keyId: this.encryptsWith ?? this.keyId, annotations: { "version.example": Uint8Array.of(1) } });
  }
  decrypt({ ciphertext, keyId }: { readonly ciphertext: Uint8Array; readonly keyId: string }) {
    this.calls.push(`decrypt ${keyId}`);
    return this.isGone ? Promise.reject(new Error("nothing answers")) : Promise.resolve(ciphertext.map((byte) => byte ^ 0xff));
  }
  close() {}
}

function made(service: Service, clock = clockOf(), seed = 1): { readonly provider: KmsProvider; readonly clock: VirtualClock } {
  return { provider: new KmsProvider({ name: "vault" }, { service, ciphers, clock, random: seededRandom(seed), log: silentLogger }), clock };
}
const over = (store: MemoryStore, provider: KmsProvider): EncryptedStore => {
  const transformer = new Transformer([{ prefix: "k8s:enc:kms:v2:vault:", cipher: provider }, { prefix: "" }]);
  return new EncryptedStore({ transformerFor: () => transformer }, { store });
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

storeContract(
  "EncryptedStore with a key management service",
  async () => {
    const { provider } = made(new Service());
    await provider.poll();
    const store = over(new MemoryStore(), provider);
    return { store, restore: async (snapshot) => over(await MemoryStore.restore(snapshot), provider), dispose: () => store.close() };
  },
  { runs: 50 },
);

describe("a key management service", () => {
  it("is asked once for a key, and for each old key once", async () => {
    const inner = new MemoryStore();
    const service = new Service();
    const { provider } = made(service);
    await provider.poll();
    const store = over(inner, provider);
    for (const name of ["a", "b", "c"]) await store.commit([{ type: "put", key: `/s/${name}`, value: bytes(name) }]);
    expect(service.calls).toEqual(["status", "encrypt"]);
    expect(text((await inner.range("/s/a")).entries[0]?.value)).toMatch(/^k8s:enc:kms:v2:vault:/);

    // Another server, begun later: it has another seed, and opens what the first one sealed.
    const later = made(service, undefined, 2);
    await later.provider.poll();
    service.calls.length = 0;
    expect((await over(inner, later.provider).range("/s/")).entries.map(({ value }) => text(value))).toEqual(["a", "b", "c"]);
    expect(service.calls).toEqual(["decrypt one"]);
    const { signal } = new AbortController();
    expect(await over(inner, later.provider).rewriteStale("/s/", signal)).toBe(0);
  });

  it("names a new key: what the old one sealed is stale and sealed anew", async () => {
    const inner = new MemoryStore();
    const service = new Service();
    const { provider, clock } = made(service);
    await provider.poll();
    const store = over(inner, provider);
    await store.commit([{ type: "put", key: "/s/a", value: bytes("a") }]);
    const stop = new AbortController();
    let rotations = 0;
    const running = provider.run(stop.signal, () => void (rotations += 1));
    await clock.advance(120_000);
    expect(rotations).toBe(0);
    service.keyId = "two";
    await clock.advance(60_000);
    expect(rotations).toBe(1);
    expect(await store.rewriteStale("/s/", stop.signal)).toBe(1);
    expect(await store.rewriteStale("/s/", stop.signal)).toBe(0);
    expect(text((await inner.range("/s/a")).entries[0]?.value)).toContain("two");
    expect(text((await store.range("/s/a")).entries[0]?.value)).toBe("a");
    stop.abort();
    await running;
  });

  it("may be silent for three minutes; then nothing is written, and what was opened is still read", async () => {
    const service = new Service();
    const { provider, clock } = made(service);
    await provider.poll();
    const store = over(new MemoryStore(), provider);
    await store.commit([{ type: "put", key: "/s/a", value: bytes("a") }]);
    const stop = new AbortController();
    const running = provider.run(stop.signal, () => {});
    service.isGone = true;
    await clock.advance(170_000);
    expect(provider.problem).toBe("kms provider vault: nothing answers");
    await store.commit([{ type: "put", key: "/s/b", value: bytes("b") }]);
    await clock.advance(20_000);
    await expect(store.commit([{ type: "put", key: "/s/c", value: bytes("c") }])).rejects.toThrow("nothing was heard of it for three minutes");
    expect((await store.range("/s/")).entries.map(({ value }) => text(value))).toEqual(["a", "b"]);
    service.isGone = false;
    await clock.advance(10_000);
    expect(provider.problem).toBeUndefined();
    await store.commit([{ type: "put", key: "/s/c", value: bytes("c") }]);
    stop.abort();
    await running;
  });

  it.each<[string, Partial<Service>, string]>([
    ["ill", { healthz: "sealed" }, "got unexpected healthz status: sealed"],
    ["without a key", { keyId: "" }, "expected KMSv2 KeyID to be set"],
    ["between two keys", { encryptsWith: "two" }, 'it encrypts with key "two" and says that its key is "one"'],
  ])("is not used while it is %s", async (_name, state, message) => {
    const { provider } = made(Object.assign(new Service(), state));
    await provider.poll();
    expect(provider.problem).toContain(message);
    expect(() => provider.seal(bytes("a"), "/s/a")).toThrow("kms provider vault");
  });

  it("is asked again for a key that it could not open", async () => {
    const inner = new MemoryStore();
    const service = new Service();
    const first = made(service);
    await first.provider.poll();
    await over(inner, first.provider).commit([{ type: "put", key: "/s/a", value: bytes("a") }]);
    const { provider } = made(service, undefined, 2);
    await provider.poll();
    service.isGone = true;
    await expect(over(inner, provider).range("/s/")).rejects.toThrow('unable to transform key "/s/a": failed to decrypt DEK, error: nothing answers');
    service.isGone = false;
    expect((await over(inner, provider).range("/s/")).entries.map(({ value }) => text(value))).toEqual(["a"]);
  });
});
