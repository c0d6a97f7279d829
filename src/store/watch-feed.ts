import { invariant } from "../base/invariant.ts";
import { CompactedError, type Store, type StoreBatch, type StoreEvent, StoreUnavailableError } from "./contract.ts";

/** One commit as watchers see it; a feed's commits follow each other without gaps in `revision`. */
export interface Commit {
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export interface WatchFeedOptions {
  /** The newest revision when the feed begins. */
  readonly revision: number;
  /** Resuming is possible from here. */
  readonly compacted: number;
  /** At most this many commits, and this many bytes of keys and values, are kept in memory. */
  readonly maxCommits: number;
  readonly maxBytes: number;
}

export interface WatchFeedDeps {
  /**
   * Commits above `since` that memory no longer holds, oldest first, some of them at least. Without it what leaves
   * memory is compacted.
   */
  readonly older?: (since: number) => Promise<readonly Commit[]>;
  /** Told which commit left memory, when there is no `older`. */
  readonly dropped?: (commit: Commit) => void;
}

const MAX_BATCH_EVENTS = 1_000;

/**
 * The newest commits in memory and the readers that follow them. A reader holds a revision, no buffer: a slow one reads
 * on from memory, then from `older`, and ends with CompactedError when even that is gone. Readers that wait are woken by
 * `publish` before it returns, so that an engine may acknowledge a commit after its watchers have it.
 */
export class WatchFeed {
  readonly #maxCommits: number;
  readonly #maxBytes: number;
  readonly #deps: WatchFeedDeps;
  readonly #waiting = new Set<FeedReader>();
  readonly #readers = new Set<FeedReader>();
  /** Commits from `#head` on are alive; the revision of the first one is `#floor + 1`. */
  #commits: Commit[] = [];
  #head = 0;
  #bytes = 0;
  #floor: number;
  #revision: number;
  #compacted: number;
  #closed = false;

  constructor(options: WatchFeedOptions, deps: WatchFeedDeps = {}) {
    this.#maxCommits = options.maxCommits;
    this.#maxBytes = options.maxBytes;
    this.#deps = deps;
    this.#revision = options.revision;
    this.#floor = options.revision;
    this.#compacted = options.compacted;
  }

  get revision(): number {
    return this.#revision;
  }

  get compacted(): number {
    return this.#compacted;
  }

  /** The commit that took `revision`, when memory still holds it. */
  commit(revision: number): Commit | undefined {
    return this.#commits[this.#head + revision - this.#floor - 1];
  }

  /**
   * Adds commits that are durable and hands them to the readers that wait. When some reader is just at work on its last
   * batch, what is returned resolves after it had the time to ask for more; nobody waits for one that is slower.
   */
  publish(commits: readonly Commit[]): Promise<void> | undefined {
    for (const commit of commits) {
      this.#commits.push(commit);
      this.#bytes += bytesOf(commit);
      this.#revision = commit.revision;
    }
    while (this.#commits.length - this.#head > this.#maxCommits || (this.#bytes > this.#maxBytes && this.#commits.length - this.#head > 1)) this.#drop();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reader of waiting) reader.wake();
    return waiting.length < this.#readers.size ? someTurns() : undefined;
  }

  /** Forgets commits at and before `revision`. */
  compact(revision: number): void {
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    while (this.#floor < revision && this.#head < this.#commits.length) this.#drop();
  }

  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): ReturnType<Store["watch"]> {
    return { [Symbol.asyncIterator]: () => new FeedReader(this, prefix, options.since, options.signal) };
  }

  /** Ends all readers; later ones fail. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.end();
  }

  /** Called by readers only. */
  join(reader: FeedReader): void {
    if (this.#closed) throw new StoreUnavailableError("the store is closed");
    this.#readers.add(reader);
  }

  leave(reader: FeedReader): void {
    this.#readers.delete(reader);
    this.#waiting.delete(reader);
  }

  wait(reader: FeedReader): void {
    this.#waiting.add(reader);
  }

  /** What follows `since`: from memory at once, from `older` as a promise, undefined when there is nothing yet. */
  after(prefix: string, since: number): StoreBatch | undefined | Promise<StoreBatch> {
    if (since < this.#compacted) throw new CompactedError(Math.max(1, this.#compacted));
    if (since >= this.#revision) return undefined;
    if (since < this.#floor) {
      invariant(this.#deps.older, "what left memory is either compacted or older");
      return this.#deps.older(since).then((commits) => collect(prefix, commits, 0, since));
    }
    return collect(prefix, this.#commits, this.#head + since - this.#floor, since);
  }

  #drop(): void {
    const commit = this.#commits[this.#head];
    if (commit === undefined) return;
    this.#head += 1;
    this.#floor = commit.revision;
    this.#bytes -= bytesOf(commit);
    // PERF: the array's dead front is cut off once it is the larger half, so that dropping costs O(1) on average.
    if (this.#head > 1_024 && this.#head * 2 > this.#commits.length) {
      this.#commits = this.#commits.slice(this.#head);
      this.#head = 0;
    }
    if (this.#deps.older === undefined) {
      this.#compacted = Math.max(this.#compacted, commit.revision);
      this.#deps.dropped?.(commit);
    }
  }
}

class FeedReader implements AsyncIterator<StoreBatch> {
  readonly #feed: WatchFeed;
  readonly #prefix: string;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.end();
  #since: number;
  #state: "new" | "open" | "ended" = "new";
  #waiting: { resolve: (result: IteratorResult<StoreBatch>) => void; reject: (error: unknown) => void } | undefined;
  #last: Promise<unknown> | undefined;

  constructor(feed: WatchFeed, prefix: string, since: number, signal: AbortSignal) {
    this.#feed = feed;
    this.#prefix = prefix;
    this.#since = since;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<StoreBatch>> {
    const last = this.#last;
    const result: Promise<IteratorResult<StoreBatch>> =
      last === undefined
        ? this.#next()
        : last.then(
            () => this.#next(),
            () => this.#next(),
          );
    this.#last = result;
    const forget = (): void => {
      if (this.#last === result) this.#last = undefined;
    };
    result.then(forget, forget);
    return result;
  }

  return(): Promise<IteratorResult<StoreBatch>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  end(): void {
    this.#state = "ended";
    this.#feed.leave(this);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  /** Called by the feed after it took in commits. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const batch = this.#feed.after(this.#prefix, this.#since);
      if (batch === undefined) {
        this.#feed.wait(this);
        return;
      }
      this.#waiting = undefined;
      const fail = (error: unknown): void => {
        this.end();
        waiting.reject(error);
      };
      if (batch instanceof Promise) batch.then((arrived) => waiting.resolve(this.#deliver(arrived)), fail);
      else waiting.resolve(this.#deliver(batch));
    } catch (error) {
      this.#waiting = undefined;
      this.end();
      waiting.reject(error);
    }
  }

  #next(): Promise<IteratorResult<StoreBatch>> {
    if (this.#state === "new") {
      this.#state = "open";
      try {
        this.#feed.join(this);
      } catch (error) {
        this.#state = "ended";
        return Promise.reject(error);
      }
      if (this.#signal.aborted) this.end();
      else this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (this.#state === "ended") return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.wake();
    });
  }

  #deliver(batch: StoreBatch): IteratorResult<StoreBatch> {
    if (this.#state === "ended") return { done: true, value: undefined };
    this.#since = Math.max(this.#since, batch.revision);
    return { done: false, value: batch };
  }
}

/** As long as a reader's `for await` with a synchronous body takes from one batch to the next. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
}

/** Whole commits from `commits[from]`, the first above `since`, until the batch is large enough. */
function collect(prefix: string, commits: readonly Commit[], from: number, since: number): StoreBatch {
  const events: StoreEvent[] = [];
  let revision = since;
  for (let index = from; index < commits.length && events.length < MAX_BATCH_EVENTS; index += 1) {
    const commit = commits[index] as Commit;
    for (const event of commit.events) if (event.key.startsWith(prefix)) events.push(event);
    revision = commit.revision;
  }
  return { revision, events };
}

function bytesOf(commit: Commit): number {
  let bytes = 64;
  for (const event of commit.events) bytes += 64 + event.key.length + (event.type === "put" ? event.value.length : 0);
  return bytes;
}
