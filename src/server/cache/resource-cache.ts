import { prefixEnd, SortedMap } from "../../base/sorted-map.ts";
import type { KubeObject } from "../../meta/object.ts";
import { CacheEntry } from "./cache-entry.ts";

/** One change of one resource: ADDED and MODIFIED carry `entry`, DELETED only `previous`. */
export interface CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  /** The object now; for DELETED its last state with the deletion's revision. */
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
}

export interface Subscriber {
  /** Called synchronously with every batch that may concern it; must not throw. */
  notify(events: readonly CacheEvent[]): void;
  /** What every key that it wants begins with; absent: it may want any. */
  readonly within?: string | undefined;
}

/** Narrows what a subscriber is woken for: one key, or one value of an index. */
export type Route = { readonly key: string } | { readonly index: string; readonly value: string };

/** How an index files an entry: under one text, or under none. */
export type IndexValue = (object: KubeObject) => string | undefined;

const HISTORY = 4096;
/** Old versions of large objects must not fill the memory: a watch that comes later than these lists again. */
const HISTORY_BYTES = 64 << 20;

/**
 * The newest state of one resource, by store key and in its order, with the last changes, so that a watch can begin in
 * the past. Example: after `put a@5`, `put a@6`: entries `{a: @6}`, history `[ADDED a@5, MODIFIED a@6]`.
 */
export class ResourceCache {
  readonly prefix: string;
  readonly #entries = new SortedMap<CacheEntry>();
  #indexes: ReadonlyMap<string, { readonly value: IndexValue; readonly entries: Index }>;
  readonly #subscribers = new Set<Subscriber>();
  /** Subscribers with a route, by `key <key>` or `<index> <value>`. */
  readonly #routed = new Map<string, Set<Subscriber>>();
  #history: CacheEvent[] = [];
  /** Changes at or before this revision are no longer in the history. */
  #forgottenUpTo = 0;
  #bytes = 0;
  #historyBytes = 0;

  constructor(prefix: string, indexes: Readonly<Record<string, IndexValue>> = {}) {
    this.prefix = prefix;
    this.#indexes = new Map(Object.entries(indexes).map(([name, value]) => [name, { value, entries: new Map() }]));
  }

  /** Files everything by these indexes from now on. Who was routed by one that is gone hears nothing more. */
  reindex(indexes: Readonly<Record<string, IndexValue>>): void {
    if (this.#indexes.size === 0 && Object.keys(indexes).length === 0) return;
    this.#indexes = new Map(Object.entries(indexes).map(([name, value]) => [name, { value, entries: new Map() }]));
    for (const [, entry] of this.#entries.range(this.prefix, prefixEnd(this.prefix))) this.#file(entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of all stored objects. */
  get bytes(): number {
    return this.#bytes;
  }

  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** Entries under `prefix` above `after`, in order. */
  range(prefix: string, after?: string): IterableIterator<[string, CacheEntry]> {
    const from = after !== undefined && after >= prefix ? `${after}\0` : prefix;
    return this.#entries.range(from, prefixEnd(prefix));
  }

  /** Shows the same, without their keys, until `visit` answers false. It must not change anything. */
  each(prefix: string, after: string | undefined, visit: (entry: CacheEntry) => boolean): void {
    this.#entries.each(after !== undefined && after >= prefix ? `${after}\0` : prefix, prefixEnd(prefix), visit);
  }

  /** Entries that index `name` files under `value`, in key order; undefined when there is no such index. */
  indexed(name: string, value: string): SortedMap<CacheEntry> | undefined {
    const index = this.#indexes.get(name);
    if (index === undefined) return undefined;
    return index.entries.get(value) ?? new SortedMap<CacheEntry>();
  }

  /** Takes in the state at `revision`, before any apply. */
  load(entries: Iterable<CacheEntry>, revision: number): void {
    for (const entry of entries) this.#place(entry);
    this.#forgottenUpTo = revision;
    this.#history = [];
    this.#historyBytes = 0;
  }

  put(key: string, stored: Uint8Array, revision: number): CacheEvent {
    const previous = this.#entries.get(key);
    const entry = new CacheEntry(key, stored, revision);
    if (previous === undefined) this.#place(entry);
    else this.#replace(previous, entry);
    return this.#remember({ type: previous === undefined ? "ADDED" : "MODIFIED", revision, entry, previous });
  }

  delete(key: string, revision: number): CacheEvent | undefined {
    const previous = this.#entries.get(key);
    if (previous === undefined) return undefined;
    this.#displace(previous);
    this.#entries.delete(key);
    return this.#remember({ type: "DELETED", revision, entry: new CacheEntry(key, previous.stored, revision), previous });
  }

  notify(events: readonly CacheEvent[]): void {
    for (const subscriber of this.#subscribers) subscriber.notify(events);
    if (this.#routed.size === 0) return;
    const perSubscriber = new Map<Subscriber, CacheEvent[]>();
    for (const event of events) {
      for (const subscriber of this.#wantedBy(event)) {
        const list = perSubscriber.get(subscriber);
        if (list === undefined) perSubscriber.set(subscriber, [event]);
        else list.push(event);
      }
    }
    for (const [subscriber, mine] of perSubscriber) subscriber.notify(mine);
  }

  /** PERF: with a route, an event wakes only those who asked for its key or its index value, before or after the change. */
  subscribe(subscriber: Subscriber, route?: Route): () => void {
    if (route === undefined) {
      this.#subscribers.add(subscriber);
      return () => {
        this.#subscribers.delete(subscriber);
      };
    }
    const path = "key" in route ? `key ${route.key}` : `${route.index} ${route.value}`;
    let set = this.#routed.get(path);
    if (set === undefined) {
      set = new Set();
      this.#routed.set(path, set);
    }
    set.add(subscriber);
    return () => {
      const current = this.#routed.get(path);
      current?.delete(subscriber);
      if (current?.size === 0) this.#routed.delete(path);
    };
  }

  /** How many would be told of a change of `key`, as far as the key says. */
  watchersOf(key: string): number {
    let count = this.#routed.get(`key ${key}`)?.size ?? 0;
    for (const { within } of this.#subscribers) if (within === undefined || key.startsWith(within)) count += 1;
    return count;
  }

  #wantedBy(event: CacheEvent): Set<Subscriber> {
    const wanted = new Set(this.#routed.get(`key ${event.entry.key}`));
    for (const [name, { value }] of this.#indexes) {
      for (const entry of [event.entry, event.previous]) {
        const filed = entry === undefined ? undefined : value(entry.object);
        if (filed !== undefined) for (const subscriber of this.#routed.get(`${name} ${filed}`) ?? []) wanted.add(subscriber);
      }
    }
    return wanted;
  }

  get subscribers(): number {
    let count = this.#subscribers.size;
    for (const set of this.#routed.values()) count += set.size;
    return count;
  }

  /** Changes after `revision`, or undefined when some of them are forgotten. */
  since(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#forgottenUpTo) return undefined;
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#history[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  #place(entry: CacheEntry): void {
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.stored.length;
    this.#file(entry);
  }

  #replace(previous: CacheEntry, entry: CacheEntry): void {
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.stored.length - previous.stored.length;
    for (const { value, entries } of this.#indexes.values()) {
      const before = value(previous.object);
      const now = value(entry.object);
      if (before !== now) take(entries, before, entry.key);
      file(entries, now, entry);
    }
  }

  #file(entry: CacheEntry): void {
    for (const { value, entries } of this.#indexes.values()) file(entries, value(entry.object), entry);
  }

  #displace(entry: CacheEntry): void {
    this.#bytes -= entry.stored.length;
    for (const { value, entries } of this.#indexes.values()) take(entries, value(entry.object), entry.key);
  }

  #remember(event: CacheEvent): CacheEvent {
    this.#history.push(event);
    this.#historyBytes += event.entry.stored.length;
    if (this.#history.length >= 2 * HISTORY || (this.#historyBytes > HISTORY_BYTES && this.#history.length > 1)) {
      let from = Math.max(0, this.#history.length - HISTORY);
      let kept = 0;
      for (const { entry } of this.#history.slice(from)) kept += entry.stored.length;
      // Half of what is allowed stays, so that not every further change has to look again.
      for (; kept > HISTORY_BYTES / 2 && from < this.#history.length - 1; from += 1) kept -= this.#history[from]?.entry.stored.length ?? 0;
      this.#historyBytes = kept;
      const dropped = this.#history.splice(0, from);
      this.#forgottenUpTo = dropped[dropped.length - 1]?.revision ?? this.#forgottenUpTo;
    }
    return event;
  }
}

type Index = Map<string, SortedMap<CacheEntry>>;

function file(index: Index, value: string | undefined, entry: CacheEntry): void {
  if (value === undefined) return;
  let bucket = index.get(value);
  if (bucket === undefined) {
    bucket = new SortedMap();
    index.set(value, bucket);
  }
  bucket.set(entry.key, entry);
}

function take(index: Index, value: string | undefined, key: string): void {
  const bucket = value === undefined ? undefined : index.get(value);
  if (value === undefined || bucket === undefined) return;
  bucket.delete(key);
  if (bucket.size === 0) index.delete(value);
}
