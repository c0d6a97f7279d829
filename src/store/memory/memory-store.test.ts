import { describe, expect, it } from "vitest";
import { storeContract } from "../contract-suite.ts";
import { CompactedError } from "../contract.ts";
import { MemoryStore } from "./memory-store.ts";

storeContract(
  "MemoryStore",
  async () => {
    const store = new MemoryStore();
    return { store, restore: (snapshot) => MemoryStore.restore(snapshot), dispose: () => store.close() };
  },
  { runs: 300 },
);

const value = (length: number): Uint8Array => new Uint8Array(length);

describe("MemoryStore", () => {
  it("bounds its history by commits and lets go of what nobody can read", async () => {
    const store = new MemoryStore({ historyRevisions: 10 });
    for (let index = 0; index < 1_000; index += 1) store.commitNow([{ type: "put", key: "/hot", value: value(100) }]);
    store.commitNow([{ type: "delete", key: "/hot" }]);
    expect(await store.size()).toBeLessThan(12 * 170);
    expect(() => store.rangeNow("", { at: 990 })).toThrow(CompactedError);
    expect(store.rangeNow("", { at: 992 }).entries.length).toBe(1);
    for (let index = 0; index < 11; index += 1) store.commitNow([{ type: "put", key: "/other", value: value(0) }]);
    expect(store.rangeNow("", { at: await store.revision() }).entries.map((entry) => entry.key)).toEqual(["/other"]);
  });

  it("bounds its history by bytes", async () => {
    const store = new MemoryStore({ historyBytes: 10_000 });
    for (let index = 0; index < 100; index += 1) store.commitNow([{ type: "put", key: "/hot", value: value(1_000) }]);
    expect(await store.size()).toBeLessThan(12_000);
  });

  it("gives a reader that catches up bounded batches", async () => {
    const store = new MemoryStore();
    for (let index = 0; index < 5_000; index += 1) store.commitNow([{ type: "put", key: "/a", value: value(1) }]);
    const iterator = store.watch("/", { since: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ revision: 1_001, events: { length: 1_000 } });
  });

  it("ends a reader that fell behind the history", async () => {
    const store = new MemoryStore({ historyRevisions: 10 });
    const iterator = store.watch("/", { since: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
    store.commitNow([{ type: "put", key: "/a", value: value(1) }]);
    expect((await iterator.next()).value).toMatchObject({ revision: 2 });
    for (let index = 0; index < 20; index += 1) store.commitNow([{ type: "put", key: "/a", value: value(1) }]);
    await expect(iterator.next()).rejects.toBeInstanceOf(CompactedError);
    expect((await iterator.next()).done).toBe(true);
  });

  it("delivers before commitNow returns to the event loop, to several readers that ask ahead", async () => {
    const store = new MemoryStore();
    const iterator = store.watch("/", { since: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
    const two = [iterator.next(), iterator.next()];
    store.commitNow([{ type: "put", key: "/a", value: value(1) }]);
    expect((await two[0])?.value).toMatchObject({ revision: 2 });
    store.commitNow([{ type: "put", key: "/a", value: value(1) }]);
    expect((await two[1])?.value).toMatchObject({ revision: 3 });
  });
});
