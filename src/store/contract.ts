/**
 * What every engine promises. Revisions are one rising sequence for the whole store, beginning at 1 for an empty one;
 * each commit takes the next. A commit is atomic and resolves only when it would survive a power cut.
 *
 * Example: `commit([{ type: "put", key: "/registry/pods/a/b", value, if: "absent" }])` at revision 7 resolves 8;
 * `watch("/registry/pods/", { since: 7 })` then yields `[{ type: "put", key, value, revision: 8 }]`.
 *
 * Keys are text compared by code units (ASCII in practice); values are bytes that nobody changes afterwards. An engine
 * hands out the very Uint8Array that was put where it can, so that callers may key caches by it.
 */
export interface Store {
  /** The revision of the newest commit. Linearizable: it is at least that of any commit that resolved before the call. */
  revision(): Promise<number>;
  /** Keys that begin with `prefix`, in order. Rejects with CompactedError when `at` is compacted away, with FutureRevisionError when it is yet to come. */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /**
   * All or nothing. Rejects with ConflictError, and stores nothing, when a condition does not hold. A key stands in one
   * op at most. A commit that changes nothing (only deletes of absent keys) takes no revision and resolves the newest.
   */
  commit(ops: readonly Op[]): Promise<number>;
  /**
   * Commits after `since` under `prefix`, in order, each commit's events together, none left out or twice; also empty
   * batches of which `revision` tells progress. Ends when the signal aborts; throws CompactedError when `since` is too old.
   * An in-process engine delivers a commit to its watchers before `commit` resolves.
   */
  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): AsyncIterable<StoreBatch>;
  /** Lets go of history at and before `revision`; the newest value of each key stays. */
  compact(revision: number): Promise<void>;
  /** A consistent copy of the newest state, to be given to `restore` of an empty engine. */
  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Whether what stands at a key would be stored otherwise if it were written anew: sealed by a newer key. Absent: never. */
  isStale?(key: string): Promise<boolean>;
  /** Bytes used on disk or in memory. */
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface RangeOptions {
  /** Only keys above this one. */
  readonly after?: string;
  /** At most this many entries. */
  readonly limit?: number;
  /** As of this revision; the newest when absent. */
  readonly at?: number;
}

export interface RangeResult {
  /** The store's revision that the answer shows. */
  readonly revision: number;
  readonly entries: readonly StoreEntry[];
  /** Whether entries were left out because of `limit`. */
  readonly more: boolean;
}

export interface StoreEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision of the commit that put this value. */
  readonly revision: number;
}

/** `if`: the key must be absent, or its value must stand at this revision. Without it the op is unconditional. */
export type Op =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array; readonly if?: Condition }
  | { readonly type: "delete"; readonly key: string; readonly if?: Condition };

export type Condition = "absent" | { readonly revision: number };

export interface StoreBatch {
  /** All commits up to this revision have been delivered. */
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export type StoreEvent =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array; readonly revision: number }
  | { readonly type: "delete"; readonly key: string; readonly revision: number };

/** A condition of a commit did not hold. `current` is what stands at `key` now. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly key: string;
  readonly current: StoreEntry | undefined;

  constructor(key: string, current: StoreEntry | undefined) {
    super(`condition on ${key} does not hold`);
    this.key = key;
    this.current = current;
  }
}

/** The revision asked for is compacted away; `oldest` is the oldest that can still be read. */
export class CompactedError extends Error {
  override readonly name = "CompactedError";
  readonly oldest: number;

  constructor(oldest: number) {
    super("required revision has been compacted");
    this.oldest = oldest;
  }
}

/** The revision asked for is above the newest. */
export class FutureRevisionError extends Error {
  override readonly name = "FutureRevisionError";
  readonly newest: number;

  constructor(newest: number) {
    super("required revision is a future revision");
    this.newest = newest;
  }
}

/** The engine can no longer write: a full disk, an input error. Nothing of the failed commit is stored. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}
