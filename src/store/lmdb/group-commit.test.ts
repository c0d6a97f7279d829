import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConflictError, type Op, StoreUnavailableError } from "../contract.ts";
import { WatchFeed } from "../watch-feed.ts";
import { LmdbDatabase } from "./database.ts";
import { GroupCommit } from "./group-commit.ts";
import { History } from "./history.ts";

const put = (key: string, condition?: Op["if"]): Op => ({ type: "put", key, value: Buffer.from(key), ...(condition === undefined ? {} : { if: condition }) });

describe("GroupCommit", () => {
  let path: string;
  let database: LmdbDatabase;
  let feed: WatchFeed;
  let commits: GroupCommit;
  let writes: number;
  let fails: boolean;
  /** What happens at the disk's door, by the number of the transaction. */
  let atDoor: (write: number) => Promise<void> | void;

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), "keles-group-"));
    database = await LmdbDatabase.open(path);
    feed = new WatchFeed({ revision: 1, compacted: 0, maxCommits: 100, maxBytes: 1 << 20 });
    writes = 0;
    fails = false;
    atDoor = () => {};
    const disk = {
      get view() {
        return database.view;
      },
      write: async (...args: Parameters<LmdbDatabase["write"]>): Promise<void> => {
        writes += 1;
        await atDoor(writes);
        if (fails) throw new StoreUnavailableError("the store cannot write: no space");
        await database.write(...args);
      },
    };
    commits = new GroupCommit({ history: new History() }, { database: disk, feed, now: () => 0, valueOf: () => undefined });
  });
  afterEach(async () => {
    await commits.close();
    await database.close();
    rmSync(path, { recursive: true, force: true });
  });

  it("gives concurrent commits one transaction", async () => {
    expect(await Promise.all(Array.from({ length: 200 }, (_, index) => commits.commit([put(`/${index}`)])))).toEqual(Array.from({ length: 200 }, (_, index) => index + 2));
    expect(writes).toBe(1);
  });

  it("writes nothing for commits that fail or change nothing", async () => {
    await commits.commit([put("/a")]);
    const outcomes = await Promise.allSettled([commits.commit([put("/a", "absent")]), commits.commit([{ type: "delete", key: "/b" }]), commits.commit([])]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(writes).toBe(1);
  });

  it("rejects all of a transaction that fails, tells no watcher, and counts on without a gap", async () => {
    await commits.commit([put("/a")]);
    const iterator = feed.watch("/", { since: 2, signal: new AbortController().signal })[Symbol.asyncIterator]();
    const next = iterator.next();
    fails = true;
    const outcomes = await Promise.allSettled([
      commits.commit([put("/b")]),
      // Judged by what will not be: as unavailable as what it was judged by.
      commits.commit([put("/b", "absent")]),
      // Judged by what is.
      commits.commit([put("/a", "absent")]),
      commits.commit([put("/a", { revision: 2 })]),
      commits.compact(2),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === "rejected" ? (outcome.reason as Error).name : outcome.value))).toEqual([
      "StoreUnavailableError",
      "StoreUnavailableError",
      "ConflictError",
      "StoreUnavailableError",
      "StoreUnavailableError",
    ]);
    fails = false;
    expect(await commits.commit([put("/b", "absent")])).toBe(3);
    expect(((await next).value as { events: unknown }).events).toMatchObject([{ key: "/b", revision: 3 }]);
  });

  it("tells of a transaction while the next one is on its way, and of each in its turn", async () => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let b: Promise<number> | undefined;
    let conflict: Promise<unknown> | undefined;
    atDoor = (write) => {
      if (write === 2) return held;
      b = commits.commit([put("/b", "absent")]);
      conflict = commits.commit([put("/a", "absent")]).catch((error: unknown) => error);
      return undefined;
    };
    const value = Buffer.from("the very array");
    const iterator = feed.watch("/", { since: 1, signal: new AbortController().signal })[Symbol.asyncIterator]();
    const first = iterator.next();
    expect(await commits.commit([{ type: "put", key: "/a", value }])).toBe(2);
    expect((await first).value).toMatchObject({ revision: 2, events: [{ key: "/a" }] });
    expect([writes, feed.revision, database.view.state.revision]).toEqual([2, 2, 2]);
    const next = iterator.next();
    letGo();
    expect(await b).toBe(3);
    expect((await next).value).toMatchObject({ revision: 3, events: [{ key: "/b" }] });
    const { current } = (await conflict) as ConflictError;
    expect([current?.revision, current?.value === value]).toEqual([2, true]);
  });

  it("keeps what is durable when the transaction that began meanwhile fails", async () => {
    let b: Promise<unknown> | undefined;
    atDoor = (write) => {
      fails = write === 2;
      if (write === 1) b = commits.commit([put("/b")]).catch((error: unknown) => error);
    };
    expect(await commits.commit([put("/a")])).toBe(2);
    expect(await b).toBeInstanceOf(StoreUnavailableError);
    expect([feed.revision, database.view.state.revision]).toEqual([2, 2]);
    expect(await commits.commit([put("/c")])).toBe(3);
  });

  it("finishes what waits when it is closed, and takes no more", async () => {
    const waiting = Promise.all([commits.commit([put("/a")]), commits.commit([put("/b")])]);
    await commits.close();
    expect(await waiting).toEqual([2, 3]);
    await expect(commits.commit([put("/c")])).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(commits.compact(2)).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});
