import type { Logger } from "../../base/log.ts";
import { sleep, type Clock } from "../../base/clock.ts";
import { CompactedError, type Store, type StoreBatch } from "../../store/contract.ts";
import { CacheEntry } from "./cache-entry.ts";
import { type CacheEvent, type IndexValue, ResourceCache } from "./resource-cache.ts";

const ROOT = "/registry/";

/**
 * The whole state, resource by resource, kept current by one watch of the store. Everything the server reads, it reads
 * here; `reached` makes a writer's own change visible before it is acknowledged.
 */
export class StateCache {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #caches = new Map<string, ResourceCache>();
  /** State and changes of resources that nobody has asked for yet (custom ones, before their definition is known). */
  readonly #unclaimed = new Map<string, CacheEntry>();
  #revision = 0;
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];

  constructor(deps: { readonly store: Store; readonly clock: Clock; readonly log: Logger }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** All commits up to here are taken in. */
  get revision(): number {
    return this.#revision;
  }

  /** The cache of keys under `prefix`, which ends with a slash. May be asked for before or after `load`. */
  resource(prefix: string, indexes?: Readonly<Record<string, IndexValue>>): ResourceCache {
    let cache = this.#caches.get(prefix);
    if (cache === undefined) {
      cache = new ResourceCache(prefix, indexes);
      this.#caches.set(prefix, cache);
      const mine = [...this.#unclaimed.values()].filter((entry) => entry.key.startsWith(prefix));
      for (const entry of mine) this.#unclaimed.delete(entry.key);
      cache.load(mine, this.#revision);
    }
    return cache;
  }

  caches(): IterableIterator<ResourceCache> {
    return this.#caches.values();
  }

  /** Takes in the store's present state. */
  async load(): Promise<void> {
    const { revision, entries } = await this.#store.range(ROOT);
    const byCache = new Map<ResourceCache, CacheEntry[]>();
    for (const cache of this.#caches.values()) byCache.set(cache, []);
    for (const { key, value, revision: at } of entries) {
      const entry = new CacheEntry(key, value, at);
      const cache = this.#cacheOf(key);
      if (cache === undefined) this.#unclaimed.set(key, entry);
      else byCache.get(cache)?.push(entry);
    }
    for (const [cache, mine] of byCache) cache.load(mine, revision);
    this.#advance(revision);
  }

  /** Follows the store until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#follow(signal);
    } finally {
      // Nothing more will be seen: nobody may wait for it.
      for (const waiter of this.#waiting.splice(0)) waiter.resolve();
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const batch of this.#store.watch(ROOT, { since: this.#revision, signal })) this.#apply(batch);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.error("watch of the store failed", { error });
        if (error instanceof CompactedError) await this.#reload();
      }
      if (!signal.aborted) await sleep(this.#clock, 100, signal).catch(() => {});
    }
  }

  /** Resolves when the cache shows `revision`. */
  reached(revision: number): Promise<void> | undefined {
    if (revision <= this.#revision) return undefined;
    return new Promise((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /** Resolves when the cache shows everything that was committed before the call, by whomever. */
  async fresh(): Promise<void> {
    const pending = this.reached(await this.#store.revision());
    if (pending !== undefined) await pending;
  }

  /** The difference between what is cached and what the store holds, as events: after a gap in the watch. */
  async #reload(): Promise<void> {
    const { revision, entries } = await this.#store.range(ROOT);
    const present = new Set(entries.map((entry) => entry.key));
    const events: StoreBatch["events"][number][] = [];
    for (const cache of this.#caches.values()) {
      for (const [key] of cache.range(cache.prefix)) if (!present.has(key)) events.push({ type: "delete", key, revision });
    }
    for (const { key, value, revision: at } of entries) {
      if (this.#cacheOf(key)?.get(key)?.revision !== at) events.push({ type: "put", key, value, revision: at });
    }
    for (const key of this.#unclaimed.keys()) if (!present.has(key)) events.push({ type: "delete", key, revision });
    // Watchers and the history rely on rising revisions.
    events.sort((a, b) => a.revision - b.revision);
    this.#apply({ revision, events });
  }

  #apply(batch: StoreBatch): void {
    const changed = new Map<ResourceCache, CacheEvent[]>();
    for (const event of batch.events) {
      const cache = this.#cacheOf(event.key);
      if (cache === undefined) {
        if (event.type === "put") this.#unclaimed.set(event.key, new CacheEntry(event.key, event.value, event.revision));
        else this.#unclaimed.delete(event.key);
        continue;
      }
      const change = event.type === "put" ? cache.put(event.key, event.value, event.revision) : cache.delete(event.key, event.revision);
      if (change === undefined) continue;
      const list = changed.get(cache);
      if (list === undefined) changed.set(cache, [change]);
      else list.push(change);
    }
    this.#advance(batch.revision);
    for (const [cache, events] of changed) cache.notify(events);
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((waiter) => waiter.revision <= revision);
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
  }

  /** By `/registry/<one>/` or `/registry/<one>/<two>/`. */
  #cacheOf(key: string): ResourceCache | undefined {
    const first = key.indexOf("/", ROOT.length);
    if (first < 0) return undefined;
    const cache = this.#caches.get(key.slice(0, first + 1));
    if (cache !== undefined) return cache;
    const second = key.indexOf("/", first + 1);
    return second < 0 ? undefined : this.#caches.get(key.slice(0, second + 1));
  }
}
