import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CompactedError, ConflictError, FutureRevisionError, type Store, StoreUnavailableError } from "./contract.ts";
import { batchesUntil, contents, del, eventsUntil, plain, put, same, text, told } from "./suite-words.ts";
import { agreesWithTwin } from "./twin-agreement.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens it again over the same data. */
  readonly reopen?: () => Promise<Store>;
  /** An empty engine of the same kind that has taken in a snapshot. */
  readonly restore?: (snapshot: AsyncIterable<Uint8Array>) => Promise<Store>;
  /** Closes and removes everything that was opened. */
  readonly dispose: () => Promise<void>;
}

export interface ContractOptions {
  /** The engine lives in this process: deliveries come before acknowledgements, and values keep their identity. Default true. */
  readonly inProcess?: boolean;
  /** A snapshot's revisions survive `restore`. Default true. */
  readonly restoresRevisions?: boolean;
  /** How many random histories are tried. Default 50. */
  readonly runs?: number;
}

/** What every engine must keep of `contract.ts`; `open` gives an empty store each time. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>, options: ContractOptions = {}): void {
  const inProcess = options.inProcess ?? true;
  const restoresRevisions = options.restoresRevisions ?? true;

  describe(`${name} keeps the store contract`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    let base: number;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
      base = await store.revision();
    });
    afterEach(async () => {
      await subject.dispose();
    });

    describe("commit", () => {
      it("begins empty", async () => {
        expect(base).toBeGreaterThanOrEqual(1);
        expect(await store.range("")).toEqual({ revision: base, entries: [], more: false });
      });

      it("takes the next revision, one sequence over all keys", async () => {
        expect(await store.commit([put("/a/1")])).toBe(base + 1);
        expect(await store.commit([put("/b/1"), put("/b/2")])).toBe(base + 2);
        expect(await store.commit([del("/a/1")])).toBe(base + 3);
        expect(await store.revision()).toBe(base + 3);
        expect(await contents(store)).toEqual([`/b/1=v@${base + 2}`, `/b/2=v@${base + 2}`]);
      });

      it("keeps any bytes", async () => {
        const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        const large = new Uint8Array(1 << 20).fill(7);
        await store.commit([
          { type: "put", key: "/every", value: every },
          { type: "put", key: "/none", value: new Uint8Array(0) },
        ]);
        await store.commit([{ type: "put", key: "/large", value: large }]);
        const { entries } = await store.range("/");
        expect(entries.map((entry) => entry.key)).toEqual(["/every", "/large", "/none"]);
        expect(same(entries[0]?.value, every)).toBe(true);
        expect(same(entries[1]?.value, large)).toBe(true);
        expect(entries[2]?.value.length).toBe(0);
      });

      it("puts if absent", async () => {
        await store.commit([put("/a", "1", "absent")]);
        const error = await store.commit([put("/a", "2", "absent")]).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(ConflictError);
        expect(error).toMatchObject({ key: "/a", current: { key: "/a", revision: base + 1 } });
        expect(await contents(store)).toEqual([`/a=1@${base + 1}`]);
        expect(await store.revision()).toBe(base + 1);
      });

      it("puts and deletes if the value stands at a revision", async () => {
        await store.commit([put("/a", "1")]);
        await store.commit([put("/a", "2", { revision: base + 1 })]);
        for (const stale of [put("/a", "3", { revision: base + 1 }), del("/a", { revision: base + 1 }), put("/a", "3", { revision: base + 9 })]) {
          const error = await store.commit([stale]).catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(ConflictError);
          const { current } = error as ConflictError;
          expect(current?.revision).toBe(base + 2);
          expect(plain(current?.value ?? text("?"))).toBe("2");
        }
        expect(await store.commit([del("/a", { revision: base + 2 })])).toBe(base + 3);
        const gone = await store.commit([put("/a", "3", { revision: base + 2 })]).catch((reason: unknown) => reason);
        expect(gone).toBeInstanceOf(ConflictError);
        expect((gone as ConflictError).current).toBeUndefined();
        expect(await store.commit([put("/a", "4", "absent")])).toBe(base + 4);
      });

      it("stores all or nothing, and names the first condition that does not hold", async () => {
        await store.commit([put("/a", "1"), put("/b", "1")]);
        const error = await store.commit([put("/new"), put("/b", "2", { revision: base }), put("/a", "2", "absent"), del("/a")]).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ name: "InvariantError" });
        const conflict = await store.commit([put("/new"), put("/b", "2", { revision: base }), put("/a", "2", "absent")]).catch((reason: unknown) => reason);
        expect(conflict).toBeInstanceOf(ConflictError);
        expect((conflict as ConflictError).key).toBe("/b");
        expect(await contents(store)).toEqual([`/a=1@${base + 1}`, `/b=1@${base + 1}`]);
        expect(await store.revision()).toBe(base + 1);
      });

      it("takes no revision for a commit that changes nothing", async () => {
        expect(await store.commit([])).toBe(base);
        expect(await store.commit([del("/absent")])).toBe(base);
        await store.commit([put("/a")]);
        expect(await store.commit([del("/absent"), del("/gone", "absent")])).toBe(base + 1);
        expect(await store.commit([del("/absent"), put("/b")])).toBe(base + 2);
        expect(await eventsUntil(store, "/", base, base + 2)).toEqual([`${base + 1} put /a=v`, `${base + 2} put /b=v`]);
      });

      it("gives concurrent commits a revision each", async () => {
        const revisions = await Promise.all(Array.from({ length: 100 }, (_, index) => store.commit([put(`/a/${index}`, String(index))])));
        expect([...revisions].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => base + 1 + index));
        const entries = new Map((await store.range("/a/")).entries.map((entry) => [entry.key, entry.revision]));
        revisions.forEach((revision, index) => expect(entries.get(`/a/${index}`)).toBe(revision));
      });

      it("remembers every state of a key that concurrent commits change", async () => {
        const ops = Array.from({ length: 30 }, (_, index) => (index % 4 === 3 ? del("/a") : put("/a", String(index))));
        await Promise.all([...ops.map((op, index) => store.commit([op, put(`/n/${index}`)])), store.commit([put("/b")])]);
        const end = await store.revision();
        expect(end).toBe(base + 31);
        const events = (await batchesUntil(store, "/a", base, end)).flatMap((batch) => batch.events);
        let value: string | undefined;
        for (let at = base; at <= end; at += 1) {
          const event = events.find((each) => each.revision === at);
          if (event !== undefined) value = event.type === "put" ? plain(event.value) : undefined;
          expect((await store.range("/a", { at })).entries.map((entry) => plain(entry.value))).toEqual(value === undefined ? [] : [value]);
        }
        expect(events.filter((event) => event.type === "put").length).toBe(23);
        expect(events.some((event) => event.type === "delete")).toBe(true);
      });

      it("lets one of several concurrent creators win", async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.commit([put("/lock", String(index), "absent"), put(`/by/${index}`)]).catch((error: unknown) => error)),
        );
        const winners = outcomes.filter((outcome) => typeof outcome === "number");
        expect(winners).toEqual([base + 1]);
        for (const outcome of outcomes) {
          if (typeof outcome === "number") continue;
          expect(outcome).toBeInstanceOf(ConflictError);
          expect((outcome as ConflictError).current?.revision).toBe(base + 1);
        }
        expect((await store.range("/by/")).entries.length).toBe(1);
      });

      it("loses no update between concurrent writers that compare and set", async () => {
        await store.commit([put("/n", "0")]);
        const increment = async (): Promise<void> => {
          for (;;) {
            const { entries } = await store.range("/n");
            const entry = entries[0];
            if (entry === undefined) throw new Error("/n is gone");
            try {
              await store.commit([put("/n", String(Number(plain(entry.value)) + 1), { revision: entry.revision })]);
              return;
            } catch (error) {
              if (!(error instanceof ConflictError)) throw error;
            }
          }
        };
        await Promise.all(Array.from({ length: 8 }, async () => [await increment(), await increment(), await increment()]));
        expect(await contents(store)).toEqual([`/n=24@${base + 25}`]);
      });
    });

    describe("range", () => {
      beforeEach(async () => {
        for (const key of ["/a/1", "/a/2", "/a/3", "/a0", "/b/1"]) await store.commit([put(key, "1")]);
      });

      const keys = async (prefix: string, rangeOptions?: Parameters<Store["range"]>[1]): Promise<[string, boolean]> => {
        const { entries, more } = await store.range(prefix, rangeOptions);
        return [entries.map((entry) => entry.key).join(" "), more];
      };

      it.each([
        ["/a/", {}, "/a/1 /a/2 /a/3", false],
        ["/a", {}, "/a/1 /a/2 /a/3 /a0", false],
        ["", {}, "/a/1 /a/2 /a/3 /a0 /b/1", false],
        ["/c/", {}, "", false],
        ["/a/", { limit: 2 }, "/a/1 /a/2", true],
        ["/a/", { limit: 3 }, "/a/1 /a/2 /a/3", false],
        ["/a/", { after: "/a/1" }, "/a/2 /a/3", false],
        ["/a/", { after: "/a/10" }, "/a/2 /a/3", false],
        ["/a/", { after: "/a/1", limit: 1 }, "/a/2", true],
        ["/a/", { after: "/a/3" }, "", false],
        ["/a/", { after: "/0" }, "/a/1 /a/2 /a/3", false],
        ["/a/", { after: "/z" }, "", false],
        ["", { after: "/a/3", limit: 1 }, "/a0", true],
      ] as const)("%s %j", async (prefix, rangeOptions, expected, more) => {
        expect(await keys(prefix, rangeOptions)).toEqual([expected, more]);
      });

      it("shows the state as of a revision", async () => {
        await store.commit([put("/a/1", "2"), del("/a/2")]);
        await store.commit([put("/a/2", "3")]);
        await store.commit([del("/a/1")]);
        const at = async (revision: number): Promise<string[]> =>
          (await store.range("/a/", { at: revision })).entries.map((entry) => `${entry.key}=${plain(entry.value)}@${entry.revision - base}`);
        expect(await at(base + 2)).toEqual(["/a/1=1@1", "/a/2=1@2"]);
        expect(await at(base + 5)).toEqual(["/a/1=1@1", "/a/2=1@2", "/a/3=1@3"]);
        expect(await at(base + 6)).toEqual(["/a/1=2@6", "/a/3=1@3"]);
        expect(await at(base + 7)).toEqual(["/a/1=2@6", "/a/2=3@7", "/a/3=1@3"]);
        expect(await at(base + 8)).toEqual(["/a/2=3@7", "/a/3=1@3"]);
        expect((await store.range("/a/", { at: base + 6 })).revision).toBe(base + 6);
        expect(await keys("/a/", { at: base + 6, after: "/a/1", limit: 1 })).toEqual(["/a/3", false]);
      });

      it("refuses a revision that is yet to come", async () => {
        const error = await store.range("/a/", { at: base + 6 }).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(FutureRevisionError);
      });
    });

    describe("watch", () => {
      it("yields what was committed after a revision, then what comes", async () => {
        await store.commit([put("/a", "1")]);
        await store.commit([put("/a", "2")]);
        const events = eventsUntil(store, "/", base + 1, base + 4);
        await store.commit([del("/a")]);
        await store.commit([put("/b", "1")]);
        expect(await events).toEqual([`${base + 2} put /a=2`, `${base + 3} delete /a`, `${base + 4} put /b=1`]);
      });

      it("waits for a revision that is yet to come", async () => {
        const events = eventsUntil(store, "/", base + 2, base + 3);
        for (const value of ["1", "2", "3"]) await store.commit([put("/a", value)]);
        expect(await events).toEqual([`${base + 3} put /a=3`]);
      });

      it("is ordered, unique and reliable under concurrent commits, for every watcher and prefix", async () => {
        const total = 300;
        const watchers = ["/", "/a/", "/b/", "/a/1", "/none/"].map(async (prefix) => ({ prefix, batches: await batchesUntil(store, prefix, base, base + total) }));
        const writers = Array.from({ length: 10 }, async (_, writer) => {
          for (let index = 0; index < total / 10; index += 1)
            await store.commit([put(`/${writer % 2 === 0 ? "a" : "b"}/${index % 7}`, `${writer}.${index}`), put(`/c/${writer}/${index}`)]);
        });
        await Promise.all(writers);
        const all = (await batchesUntil(store, "", base, base + total)).flatMap((batch) => batch.events);
        expect(all.length).toBe(2 * total);
        expect(new Set(all.map((event) => event.revision)).size).toBe(total);
        for (const { prefix, batches } of await Promise.all(watchers)) {
          const events = batches.flatMap((batch) => batch.events);
          expect(told(events)).toEqual(told(all.filter((event) => event.key.startsWith(prefix))));
          let reached = base;
          for (const batch of batches) {
            for (const event of batch.events) {
              expect(event.revision).toBeGreaterThan(reached);
              expect(event.revision).toBeLessThanOrEqual(batch.revision);
            }
            expect(batch.revision).toBeGreaterThanOrEqual(reached);
            reached = batch.revision;
          }
        }
      });

      it("keeps a commit's events together", async () => {
        for (let round = 0; round < 20; round += 1) await store.commit(Array.from({ length: 60 }, (_, index) => put(`/a/${index}`, String(round))));
        const batches = await batchesUntil(store, "/a/", base, base + 20);
        for (const batch of batches) expect(batch.events.length % 60).toBe(0);
        expect(batches.flatMap((batch) => batch.events).length).toBe(1_200);
      });

      it("resumes from the revision of any batch", async () => {
        for (let index = 0; index < 30; index += 1) await store.commit([index % 5 === 4 ? del(`/a/${(index - 1) % 3}`) : put(`/a/${index % 3}`, String(index))]);
        const end = await store.revision();
        const whole = await eventsUntil(store, "/a/", base, end);
        for (let since = base; since < end; since += 1) {
          expect(await eventsUntil(store, "/a/", since, end)).toEqual(whole.filter((line) => Number(line.split(" ")[0]) > since));
        }
      });

      it("does not lose anything for a slow reader, nor wait for it", async () => {
        const controller = new AbortController();
        const slow = store.watch("/a/", { since: base, signal: controller.signal })[Symbol.asyncIterator]();
        const first = slow.next();
        for (let index = 0; index < 400; index += 1) await store.commit([put("/a/x", String(index))]);
        const seen: string[] = [];
        for (let batch = await first; ; batch = await slow.next()) {
          if (batch.done === true) throw new Error("the watch ended");
          seen.push(...told(batch.value.events));
          if (batch.value.revision >= base + 400) break;
        }
        controller.abort();
        expect(seen).toEqual(Array.from({ length: 400 }, (_, index) => `${base + 1 + index} put /a/x=${index}`));
      });

      it("ends when the signal aborts, also before it began", async () => {
        const controller = new AbortController();
        const iterator = store.watch("/", { since: base, signal: controller.signal })[Symbol.asyncIterator]();
        const waiting = iterator.next();
        controller.abort();
        expect((await waiting).done).toBe(true);
        expect((await iterator.next()).done).toBe(true);
        const never = store.watch("/", { since: base, signal: AbortSignal.abort() })[Symbol.asyncIterator]();
        expect((await never.next()).done).toBe(true);
      });

      it("tells progress when commits are of no interest", async () => {
        const batches = batchesUntil(store, "/a/", base, base + 2);
        await store.commit([put("/b/1")]);
        await store.commit([put("/b/2")]);
        expect((await batches).flatMap((batch) => batch.events)).toEqual([]);
      });

      it.runIf(inProcess)("delivers a commit before it resolves, and the very value that was put", async () => {
        const controller = new AbortController();
        let delivered = base;
        const values: Uint8Array[] = [];
        const following = (async (): Promise<void> => {
          for await (const batch of store.watch("/", { since: base, signal: controller.signal })) {
            for (const event of batch.events) if (event.type === "put") values.push(event.value);
            delivered = batch.revision;
          }
        })();
        for (let round = 0; round < 20; round += 1) {
          const value = text(String(round));
          const revision = await store.commit([{ type: "put", key: "/a", value }]);
          expect(delivered).toBe(revision);
          expect(values.at(-1)).toBe(value);
        }
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const revision = await store.commit([put(`/b/${index}`)]);
            expect(delivered).toBeGreaterThanOrEqual(revision);
          }),
        );
        controller.abort();
        await following;
      });
    });

    describe("compact", () => {
      beforeEach(async () => {
        await store.commit([put("/a", "1"), put("/b", "1"), put("/c", "1")]);
        await store.commit([put("/a", "2"), del("/b")]);
        await store.commit([put("/a", "3")]);
        await store.commit([put("/b", "4")]);
        await store.compact(base + 3);
      });

      it("keeps the newest values and what is above", async () => {
        expect(await contents(store)).toEqual([`/a=3@${base + 3}`, `/b=4@${base + 4}`, `/c=1@${base + 1}`]);
        const at = await store.range("", { at: base + 3 });
        expect(at.entries.map((entry) => `${entry.key}=${plain(entry.value)}`)).toEqual(["/a=3", "/c=1"]);
        expect(await eventsUntil(store, "", base + 3, base + 4)).toEqual([`${base + 4} put /b=4`]);
        expect(await store.commit([put("/c", "5", { revision: base + 1 })])).toBe(base + 5);
      });

      it.each([0, 1, 2])("refuses to read at base + %i", async (offset) => {
        const error = await store.range("", { at: base + offset }).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(CompactedError);
        expect((error as CompactedError).oldest).toBe(base + 3);
      });

      it.each([0, 1])("refuses to watch since base + %i", async (offset) => {
        const error = await eventsUntil(store, "", base + offset, base + 4).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(CompactedError);
        expect((error as CompactedError).oldest).toBe(base + 3);
      });

      it("does nothing when it happened already, and refuses the future", async () => {
        await store.compact(base + 2);
        await store.compact(base + 3);
        expect(await eventsUntil(store, "", base + 3, base + 4)).toEqual([`${base + 4} put /b=4`]);
        expect(await store.compact(base + 5).catch((reason: unknown) => reason)).toBeInstanceOf(FutureRevisionError);
      });

      it("does not bring deleted keys back", async () => {
        await store.commit([del("/a")]);
        await store.compact(base + 5);
        await store.compact(base + 5);
        expect(await contents(store)).toEqual([`/b=4@${base + 4}`, `/c=1@${base + 1}`]);
        expect(await store.commit([put("/a", "6", "absent")])).toBe(base + 6);
        expect(await contents(store, "/a")).toEqual([`/a=6@${base + 6}`]);
      });
    });

    describe("snapshot", () => {
      const copy = async (): Promise<Uint8Array[]> => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of store.snapshot(new AbortController().signal)) chunks.push(chunk);
        return chunks;
      };
      async function* feed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
        yield* chunks;
      }

      it("gives an empty engine the newest state", async () => {
        const { restore } = subject;
        if (restore === undefined) throw new Error("the engine under test offers no restore");
        for (let index = 0; index < 50; index += 1) await store.commit([put(`/a/${String(index).padStart(2, "0")}`, "x".repeat(index * 100)), put("/hot", String(index))]);
        await store.commit([del("/a/07")]);
        const revision = await store.revision();
        const expected = await contents(store);
        const chunks = await copy();
        await store.commit([put("/later")]);
        const restored = await restore(feed(chunks));
        const values = (lines: readonly string[]): string[] => lines.map((line) => (restoresRevisions ? line : (line.split("@")[0] ?? "")));
        expect(values(await contents(restored))).toEqual(values(expected));
        const from = await restored.revision();
        if (restoresRevisions) expect(from).toBe(revision);
        expect(await restored.commit([put("/next", "1", "absent")])).toBe(from + 1);
        expect(await eventsUntil(restored, "/", from, from + 1)).toEqual([`${from + 1} put /next=1`]);
        if (restoresRevisions) expect(await restored.range("", { at: from - 1 }).catch((reason: unknown) => reason)).toBeInstanceOf(CompactedError);
      });

      it("refuses a copy that is damaged or cut short", async () => {
        const { restore } = subject;
        if (restore === undefined) throw new Error("the engine under test offers no restore");
        for (let index = 0; index < 5; index += 1) await store.commit([put(`/a/${index}`, "x".repeat(100))]);
        const whole = Uint8Array.from((await copy()).flatMap((chunk) => [...chunk]));
        const damaged = Uint8Array.from(whole);
        damaged[200] = (damaged[200] ?? 0) ^ 1;
        for (const bad of [damaged, whole.subarray(0, whole.length - 1), whole.subarray(0, 100), text("something else altogether")]) {
          expect(await restore(feed([bad])).catch((reason: unknown) => reason)).toMatchObject({ name: "SnapshotError" });
        }
      });

      it("stops when the signal aborts", async () => {
        await store.commit([put("/a")]);
        const failing = (async (): Promise<void> => {
          for await (const chunk of store.snapshot(AbortSignal.abort(new Error("enough")))) expect(chunk).toBeUndefined();
        })();
        await expect(failing).rejects.toThrow("enough");
      });
    });

    describe("reopen", () => {
      it("finds everything again and goes on counting", async () => {
        const { reopen } = subject;
        if (reopen === undefined) return;
        await store.commit([put("/a", "1"), put("/b", "1")]);
        await store.commit([put("/a", "2")]);
        await store.commit([del("/b")]);
        await store.commit([put("/a", "4")]);
        await store.compact(base + 2);
        const again = await reopen();
        expect(await again.revision()).toBe(base + 4);
        expect(await contents(again)).toEqual([`/a=4@${base + 4}`]);
        expect((await again.range("", { at: base + 2 })).entries.map((entry) => entry.key)).toEqual(["/a", "/b"]);
        expect(await eventsUntil(again, "", base + 2, base + 4)).toEqual([`${base + 3} delete /b`, `${base + 4} put /a=4`]);
        expect(await eventsUntil(again, "", base, base + 4).catch((reason: unknown) => reason)).toBeInstanceOf(CompactedError);
        expect(await again.commit([put("/a", "5", { revision: base + 4 })])).toBe(base + 5);
      });
    });

    it("takes no more work once closed, and ends its watches", async () => {
      const iterator = store.watch("/", { since: base, signal: new AbortController().signal })[Symbol.asyncIterator]();
      const waiting = iterator.next();
      await store.close();
      expect((await waiting).done).toBe(true);
      for (const call of [
        () => store.commit([put("/a")]),
        () => store.range(""),
        () => store.revision(),
        () => eventsUntil(store, "/", base, base + 1),
        () => store.compact(base),
      ]) {
        expect(await call().catch((reason: unknown) => reason)).toBeInstanceOf(StoreUnavailableError);
      }
      await store.close();
    });

    it("has a size", async () => {
      await store.commit([{ type: "put", key: "/a", value: new Uint8Array(10_000) }]);
      expect(await store.size()).toBeGreaterThan(10_000);
    });

    it("does what a dumb twin does", () => agreesWithTwin(store, options.runs ?? 50));
  });
}
