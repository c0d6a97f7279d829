import { mkdirSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { prefixEnd } from "../../base/sorted-map.ts";
import { rangeStart } from "../commit-rules.ts";
import {
  CompactedError,
  FutureRevisionError,
  type Op,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEntry,
  type StoreEvent,
  StoreUnavailableError,
} from "../contract.ts";
import { encodeSnapshot } from "../snapshot-format.ts";
import { type Commit, WatchFeed } from "../watch-feed.ts";
import { checkSizes } from "./commit-plan.ts";
import { LmdbDatabase } from "./database.ts";
import { GroupCommit } from "./group-commit.ts";
import { History, type HistoryOptions } from "./history.ts";
import type { Place } from "./layout.ts";
import { lockDirectory } from "./lock-file.ts";
import { restoreInto } from "./restore.ts";
import type { View } from "./view.ts";

export interface LmdbStoreOptions {
  /** The data directory; made when it is absent. A local disk: no NFS, no overlay. */
  readonly path: string;
  readonly history?: HistoryOptions;
  /** Address space reserved for the file up front, no disk. It grows by itself. Default 16 GiB. */
  readonly mapBytes?: number;
  /** The newest commits that watchers read from memory. Default 16 MiB. */
  readonly feedBytes?: number;
}

export interface LmdbStoreDeps {
  /** Milliseconds since the epoch, for the age of the history. Default the machine's clock. */
  readonly now?: () => number;
}

const FEED_COMMITS = 4_096;
const PAGE_KEYS = 500;
const PAGE_BYTES = 1 << 20;

/**
 * The contract on one disk. Commits that come together share one transaction and one flush; reads see only what is
 * durable. Values of recent commits are handed out as the very arrays that were put.
 *
 * Example: `const store = await LmdbStore.open({ path: "/var/lib/keles/store" })`. Throws StoreInUseError while another
 * process has it open and StoreCorruptedError when the directory holds something else, or something damaged.
 */
export class LmdbStore implements Store {
  readonly #database: LmdbDatabase;
  readonly #unlock: () => void;
  readonly #feed: WatchFeed;
  readonly #commits: GroupCommit;
  readonly #reads = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(database: LmdbDatabase, unlock: () => void, options: LmdbStoreOptions, deps: LmdbStoreDeps) {
    const { revision, compacted } = database.view.state;
    this.#database = database;
    this.#unlock = unlock;
    this.#feed = new WatchFeed(
      { revision, compacted, maxCommits: FEED_COMMITS, maxBytes: options.feedBytes ?? 16 * 1024 * 1024 },
      { older: (since) => this.#reading((view) => olderCommits(view, since)) },
    );
    this.#commits = new GroupCommit(
      { history: new History(options.history) },
      { database, feed: this.#feed, now: deps.now ?? (() => Date.now()), valueOf: (place) => this.#recentValue(place) },
    );
  }

  static async open(options: LmdbStoreOptions, deps: LmdbStoreDeps = {}): Promise<LmdbStore> {
    mkdirSync(options.path, { recursive: true, mode: 0o700 });
    const unlock = lockDirectory(options.path);
    try {
      return new LmdbStore(await LmdbDatabase.open(options.path, options), unlock, options, deps);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** Opens an empty directory and fills it; revisions are the snapshot's, history begins with it. */
  static async restore(snapshot: AsyncIterable<Uint8Array>, options: LmdbStoreOptions, deps: LmdbStoreDeps = {}): Promise<LmdbStore> {
    mkdirSync(options.path, { recursive: true, mode: 0o700 });
    const unlock = lockDirectory(options.path);
    let database: LmdbDatabase | undefined;
    try {
      database = await LmdbDatabase.open(options.path, { ...options, restoring: true });
      await restoreInto(database, snapshot);
      return new LmdbStore(database, unlock, options, deps);
    } catch (error) {
      await database?.close();
      unlock();
      throw error;
    }
  }

  async revision(): Promise<number> {
    this.#open();
    return this.#feed.revision;
  }

  range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    return this.#reading((view) => this.#range(view, prefix, options));
  }

  commit(ops: readonly Op[]): Promise<number> {
    try {
      this.#open();
      checkSizes(ops);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#commits.commit(ops);
  }

  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): ReturnType<Store["watch"]> {
    return this.#feed.watch(prefix, options);
  }

  async compact(revision: number): Promise<void> {
    this.#open();
    if (revision > this.#feed.revision) throw new FutureRevisionError(this.#feed.revision);
    if (revision > this.#feed.compacted) await this.#commits.compact(revision);
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#open();
    const view = this.#database.view.retain();
    let finished = (): void => {};
    const done = new Promise<void>((resolve) => {
      finished = resolve;
    });
    this.#reads.add(done);
    try {
      for await (const chunk of encodeSnapshot(view.state.revision, this.#pages(view, "", {}))) {
        signal.throwIfAborted();
        yield chunk;
      }
    } finally {
      view.release();
      this.#reads.delete(done);
      finished();
    }
  }

  async size(): Promise<number> {
    this.#open();
    return this.#database.size();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#commits.close();
    this.#feed.close();
    await Promise.allSettled(this.#reads);
    await this.#database.close();
    this.#unlock();
  }

  async #range(view: View, prefix: string, options: RangeOptions): Promise<RangeResult> {
    const { state } = view;
    const at = options.at ?? state.revision;
    const oldest = Math.max(1, state.compacted);
    if (at < oldest) throw new CompactedError(oldest);
    if (at > state.revision) throw new FutureRevisionError(state.revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: StoreEntry[] = [];
    for await (const page of this.#pages(view, prefix, options)) {
      for (const entry of page) {
        if (entries.length >= limit) return { revision: at, entries, more: true };
        entries.push(entry);
      }
    }
    return { revision: at, entries, more: false };
  }

  /** Gives way to the event loop between pages: a large range must not hold up the writers. */
  async *#pages(view: View, prefix: string, options: RangeOptions): AsyncGenerator<StoreEntry[]> {
    const at = options.at ?? view.state.revision;
    const end = prefixEnd(prefix);
    const to = end === undefined ? undefined : Buffer.from(end);
    let from = Buffer.from(rangeStart(prefix, options.after));
    for (let first = true; ; first = false) {
      if (!first) {
        await turn();
        this.#open();
      }
      const keys = Math.min(PAGE_KEYS, (options.limit ?? PAGE_KEYS) + 1);
      const places = view.places(from, to, keys);
      const page: StoreEntry[] = [];
      let bytes = 0;
      let read = 0;
      for (const { key, place: newest } of places) {
        read += 1;
        from = Buffer.concat([key, Buffer.of(0)]);
        if (newest.deleted && newest.revision <= at) continue;
        const place = view.placeAt(newest, at);
        if (place === undefined) continue;
        const value = this.#recentValue(place) ?? this.#storedValue(view, place);
        if (value === undefined) continue;
        page.push({ key: Buffer.from(key).toString("utf8"), value, revision: place.revision });
        bytes += value.length;
        if (bytes >= PAGE_BYTES) break;
      }
      yield page;
      if (read === places.length && places.length < keys) return;
    }
  }

  #storedValue(view: View, place: Place): Uint8Array | undefined {
    const record = view.record(place);
    return record === undefined || record.deleted ? undefined : record.value;
  }

  /** The array that was put, while the feed has it; undefined for a delete too. */
  #recentValue(place: Place): Uint8Array | undefined {
    const event = this.#feed.commit(place.revision)?.events[place.op];
    return event?.type === "put" ? event.value : undefined;
  }

  #open(): void {
    if (this.#closing !== undefined) throw new StoreUnavailableError("the store is closed");
  }

  /** Work on the newest view, which `close` waits for. */
  async #reading<T>(work: (view: View) => Promise<T>): Promise<T> {
    this.#open();
    const view = this.#database.view.retain();
    const result = work(view);
    this.#reads.add(result);
    try {
      return await result;
    } finally {
      view.release();
      this.#reads.delete(result);
    }
  }
}

/** Whole commits above `since` from the log, about as many as fit a page. */
async function olderCommits(view: View, since: number): Promise<readonly Commit[]> {
  // A reader that catches up must not keep the event loop to itself.
  await turn();
  if (since < view.state.compacted) throw new CompactedError(Math.max(1, view.state.compacted));
  const commits: Commit[] = [];
  let events: StoreEvent[] = [];
  let current = 0;
  let bytes = 0;
  for (const { revision, record } of view.log(since)) {
    if (revision !== current) {
      if (bytes >= PAGE_BYTES || commits.length >= PAGE_KEYS) break;
      events = [];
      commits.push({ revision, events });
      current = revision;
    }
    bytes += record.value.length + record.key.length;
    events.push(record.deleted ? { type: "delete", key: record.key, revision } : { type: "put", key: record.key, value: record.value, revision });
  }
  return commits;
}
