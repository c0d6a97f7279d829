import { SortedMap, prefixEnd } from "../../base/sorted-map.ts";
import { checkOps, holds, rangeStart } from "../commit-rules.ts";
import {
  CompactedError,
  ConflictError,
  FutureRevisionError,
  type Op,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreEntry,
  type StoreEvent,
  StoreUnavailableError,
} from "../contract.ts";
import { decodeSnapshot, encodeSnapshot } from "../snapshot-format.ts";
import { type Commit, WatchFeed } from "../watch-feed.ts";

export interface MemoryStoreOptions {
  /** How many commits can be looked back at. Default 10,000. */
  readonly historyRevisions?: number;
  /** How many bytes of them. Default 256 MiB. */
  readonly historyBytes?: number;
}

/** A value, or what a delete left behind. */
interface Version {
  readonly revision: number;
  readonly value: Uint8Array | undefined;
}

const ENTRY_BYTES = 64;

/**
 * The contract in memory, for tests and simulated clusters: a commit is done and delivered before the call returns.
 * A key's versions stand oldest first, `[{3, value}, {7, undefined}]`; those before the compacted revision are let go
 * when the commit that superseded them leaves the history.
 */
export class MemoryStore implements Store {
  readonly #keys = new SortedMap<Version[]>();
  #feed: WatchFeed;
  #revision: number;
  #bytes = 0;
  #closed = false;
  #delivered: Promise<void> | undefined;

  constructor(options: MemoryStoreOptions = {}) {
    this.#revision = 1;
    this.#feed = this.#newFeed(options, 1, 0);
  }

  /** A store that holds what the snapshot holds, at the snapshot's revision and without its history. */
  static async restore(snapshot: AsyncIterable<Uint8Array>, options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    const store = new MemoryStore(options);
    for await (const { revision, entries } of decodeSnapshot(snapshot)) {
      store.#revision = revision;
      for (const { key, value, revision: at } of entries) store.#add(key, { revision: at, value });
    }
    store.#feed = store.#newFeed(options, store.#revision, store.#revision);
    return store;
  }

  revision(): Promise<number> {
    return this.#settle(() => this.#revision);
  }

  range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    return this.#settle(() => this.rangeNow(prefix, options));
  }

  commit(ops: readonly Op[]): Promise<number> {
    return this.#settle(() => {
      const revision = this.commitNow(ops);
      const delivered = this.#delivered;
      return delivered === undefined ? revision : delivered.then(() => revision);
    });
  }

  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): ReturnType<Store["watch"]> {
    return this.#feed.watch(prefix, options);
  }

  compact(revision: number): Promise<void> {
    return this.#settle(() => {
      if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
      this.#feed.compact(revision);
    });
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#open();
    const { revision, entries } = this.rangeNow("");
    for await (const chunk of encodeSnapshot(revision, [entries])) {
      signal.throwIfAborted();
      yield chunk;
    }
  }

  size(): Promise<number> {
    return this.#settle(() => this.#bytes);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#feed.close();
    return Promise.resolve();
  }

  /** `range` for callers that cannot wait. */
  rangeNow(prefix: string, options: RangeOptions = {}): RangeResult {
    const at = options.at ?? this.#revision;
    const oldest = Math.max(1, this.#feed.compacted);
    if (at < oldest) throw new CompactedError(oldest);
    if (at > this.#revision) throw new FutureRevisionError(this.#revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: StoreEntry[] = [];
    for (const [key, versions] of this.#keys.range(rangeStart(prefix, options.after), prefixEnd(prefix))) {
      const version = versionAt(versions, at);
      if (version?.value === undefined) continue;
      if (entries.length >= limit) return { revision: at, entries, more: true };
      entries.push({ key, value: version.value, revision: version.revision });
    }
    return { revision: at, entries, more: false };
  }

  /** `commit` for callers that cannot wait. */
  commitNow(ops: readonly Op[]): number {
    checkOps(ops);
    for (const { key, if: condition } of ops) {
      const current = condition === undefined ? undefined : this.#current(key);
      if (!holds(condition, current?.revision)) throw new ConflictError(key, current);
    }
    const revision = this.#revision + 1;
    const events: StoreEvent[] = [];
    for (const op of ops) {
      if (op.type === "put") {
        this.#add(op.key, { revision, value: op.value });
        events.push({ type: "put", key: op.key, value: op.value, revision });
      } else if (this.#current(op.key) !== undefined) {
        this.#add(op.key, { revision, value: undefined });
        events.push({ type: "delete", key: op.key, revision });
      }
    }
    if (events.length === 0) return this.#revision;
    this.#revision = revision;
    this.#delivered = this.#feed.publish([{ revision, events }]);
    return revision;
  }

  #newFeed(options: MemoryStoreOptions, revision: number, compacted: number): WatchFeed {
    return new WatchFeed(
      { revision, compacted, maxCommits: options.historyRevisions ?? 10_000, maxBytes: options.historyBytes ?? 256 * 1024 * 1024 },
      { dropped: (commit) => this.#trim(commit) },
    );
  }

  #current(key: string): StoreEntry | undefined {
    const version = this.#keys.get(key)?.at(-1);
    return version?.value === undefined ? undefined : { key, value: version.value, revision: version.revision };
  }

  #add(key: string, version: Version): void {
    const versions = this.#keys.get(key);
    if (versions === undefined) this.#keys.set(key, [version]);
    else versions.push(version);
    this.#bytes += ENTRY_BYTES + key.length + (version.value?.length ?? 0);
  }

  /** Lets go of what only revisions before this commit could see. */
  #trim(commit: Commit): void {
    for (const { key } of commit.events) {
      const versions = this.#keys.get(key);
      if (versions === undefined) continue;
      let keep = versions.length - 1;
      while (keep > 0 && (versions[keep] as Version).revision > commit.revision) keep -= 1;
      const first = versions[keep] as Version;
      if (first.value === undefined && first.revision <= commit.revision) keep += 1;
      for (const gone of versions.splice(0, keep)) this.#bytes -= ENTRY_BYTES + key.length + (gone.value?.length ?? 0);
      if (versions.length === 0) this.#keys.delete(key);
    }
  }

  #open(): void {
    if (this.#closed) throw new StoreUnavailableError("the store is closed");
  }

  #settle<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      this.#open();
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** The newest version at or before `at`. */
function versionAt(versions: readonly Version[], at: number): Version | undefined {
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const version = versions[index] as Version;
    if (version.revision <= at) return version;
  }
  return undefined;
}
