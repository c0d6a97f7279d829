import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CompactedError } from "../contract.ts";
import { LmdbDatabase } from "./database.ts";
import { LmdbStore, type LmdbStoreOptions } from "./lmdb-store.ts";

describe("LmdbStore's history", () => {
  let path: string;
  let store: LmdbStore;
  const reopen = async (options: Partial<LmdbStoreOptions>, now: () => number = () => 0): Promise<LmdbStore> => {
    await store.close();
    store = await LmdbStore.open({ path, ...options }, { now });
    return store;
  };
  const put = (key: string, bytes = 1_000): Promise<number> => store.commit([{ type: "put", key, value: Buffer.alloc(bytes, key) }]);
  /** Log entries and index entries on the disk. */
  const entries = async (): Promise<[number, number]> => {
    await store.close();
    const database = await LmdbDatabase.open(path);
    const log = [...database.view.log(0)].length;
    const index = database.view.places(Buffer.alloc(0), undefined, 1_000_000).length;
    await database.close();
    store = await LmdbStore.open({ path });
    return [log, index];
  };

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), "keles-history-"));
    store = await LmdbStore.open({ path });
  });
  afterEach(async () => {
    await store.close();
    rmSync(path, { recursive: true, force: true });
  });

  it("is bounded by revisions, and what only it could see is removed as commits go by", async () => {
    let now = 0;
    await reopen({ history: { revisions: 100, ageMs: 1_000 } }, () => (now += 500));
    for (let index = 0; index < 1_500; index += 1) {
      if (index % 3 === 2) await store.commit([{ type: "delete", key: `/a/${(index - 1) % 40}` }]);
      else await put(`/a/${index % 40}`);
    }
    const revision = await store.revision();
    const alive = (await store.range("")).entries.length;
    await expect(store.range("", { at: revision - 110 })).rejects.toBeInstanceOf(CompactedError);
    expect((await store.range("", { at: revision - 95 })).revision).toBe(revision - 95);
    const [log, index] = await entries();
    expect(log).toBeLessThan(alive + 130);
    expect(index).toBeLessThanOrEqual(40);
  });

  it("keeps what is young, up to a number", async () => {
    await reopen({ history: { revisions: 10, ageMs: 1_000, maxRevisions: 200 } });
    for (let index = 0; index < 150; index += 1) await put("/a");
    expect((await store.range("", { at: 2 })).entries.length).toBe(1);
    for (let index = 0; index < 150; index += 1) await put("/a");
    await expect(store.range("", { at: 2 })).rejects.toBeInstanceOf(CompactedError);
    expect((await store.range("", { at: 150 })).entries.length).toBe(1);
  });

  it("leaves nothing behind after a compaction", async () => {
    for (let index = 0; index < 300; index += 1) await put(`/a/${index % 10}`, 10);
    for (let index = 0; index < 5; index += 1) await store.commit([{ type: "delete", key: `/a/${index}` }]);
    // Several versions in one transaction.
    await Promise.all([put("/b"), put("/b"), store.commit([{ type: "delete", key: "/b" }]), put("/b"), put("/c"), store.commit([{ type: "delete", key: "/c" }])]);
    await store.compact(await store.revision());
    expect(await entries()).toEqual([6, 6]);
  });

  it("uses the space again", async () => {
    await reopen({ history: { revisions: 50, ageMs: 0 } }, () => Date.now() * 1_000);
    const round = async (): Promise<number> => {
      for (let index = 0; index < 40; index += 1) await Promise.all(Array.from({ length: 50 }, (_, key) => put(`/a/${key}`)));
      return store.size();
    };
    const first = await round();
    for (let again = 0; again < 4; again += 1) await round();
    expect(await round()).toBeLessThan(first * 1.5);
  });

  it("serves a watch from the log on the disk when memory has moved on", async () => {
    await reopen({ feedBytes: 5_000 });
    const since = await store.revision();
    for (let index = 0; index < 1_200; index += 1) await store.commit([{ type: "put", key: `/a/${index % 3}`, value: Buffer.from(String(index)) }]);
    const seen: string[] = [];
    const controller = new AbortController();
    for await (const batch of store.watch("/a/", { since, signal: controller.signal })) {
      for (const event of batch.events) if (event.type === "put") seen.push(Buffer.from(event.value).toString());
      if (seen.length === 1_200) break;
    }
    controller.abort();
    expect(seen).toEqual(Array.from({ length: 1_200 }, (_, index) => String(index)));
  });

  it("lets a reader of the disk go when its place is compacted meanwhile", async () => {
    await reopen({ feedBytes: 1_000 });
    for (let index = 0; index < 700; index += 1) await put("/a", 10);
    const iterator = store.watch("/", { since: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    await store.compact(await store.revision());
    await expect(iterator.next()).rejects.toBeInstanceOf(CompactedError);
  });

  it("gives way to others during a large range, and shows one revision of it", async () => {
    await Promise.all(Array.from({ length: 3_000 }, (_, index) => put(`/a/${String(index).padStart(5, "0")}`, 10)));
    const before = await store.revision();
    let turnsOfOthers = 0;
    const ended = new AbortController();
    const range = store.range("/a/").finally(() => ended.abort());
    const commits = Promise.all([put("/a/00000", 20), put("/a/99999", 20)]);
    while (!ended.signal.aborted) {
      await new Promise((resolve) => setImmediate(resolve));
      turnsOfOthers += 1;
    }
    const { entries, revision } = await range;
    await commits;
    expect(turnsOfOthers).toBeGreaterThan(2);
    expect(revision).toBe(before);
    expect(entries.length).toBe(3_000);
    expect(entries[0]?.value.length).toBe(10);
  });

  it("grows beyond the address space it began with", async () => {
    await reopen({ mapBytes: 1 << 20 });
    for (let round = 0; round < 8; round += 1) await Promise.all(Array.from({ length: 100 }, (_, index) => put(`/a/${round}/${index}`, 5_000)));
    expect((await store.range("/a/")).entries.length).toBe(800);
    await reopen({ mapBytes: 1 << 20 });
    expect((await store.range("/a/")).entries.length).toBe(800);
  });

  it("refuses keys that LMDB cannot hold, and goes on", async () => {
    await expect(put(`/${"k".repeat(2_000)}`)).rejects.toBeInstanceOf(RangeError);
    await expect(put(`/${"ŏ".repeat(990)}`)).rejects.toBeInstanceOf(RangeError);
    expect(await put(`/${"k".repeat(1_800)}`, 5)).toBe(2);
  });
});
