import { type Clock, rfc3339 } from "../base/clock.ts";
import type { Event } from "../api/generated/types/core-v1.ts";
import { LruMap } from "./lru-map.ts";

/** Objects, and kinds of event about them, that are remembered. */
const REMEMBERED = 4096;
/** So many events that differ only in their message, each within ten minutes of the last, are told as one. */
const SIMILAR_MAX = 10;
const SIMILAR_MS = 600_000;
/** Per source and object: so many at once, then one every five minutes. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;

/** What to do with one event: write it as new, count one that stands, or nothing. */
export type Correlated =
  | { readonly action: "create"; readonly event: Event; readonly key: string }
  | { readonly action: "count"; readonly event: Event; readonly key: string; readonly patch: unknown }
  | { readonly action: "drop" };

interface Written {
  readonly name: string;
  readonly firstTimestamp: string;
  readonly count: number;
}

/**
 * Decides what a new event becomes: the same one again counts up, similar ones are combined, bursts are dropped.
 * @upstream client-go/tools/record/events_cache.go
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #similar = new LruMap<{ readonly messages: Set<string>; lastMs: number }>(REMEMBERED);
  readonly #written = new LruMap<Written>(REMEMBERED);
  readonly #buckets = new LruMap<{ tokens: number; filledMs: number }>(REMEMBERED);

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  correlate(event: Event): Correlated {
    const spamKey = spamKeyOf(event);
    const { event: told, key } = this.#aggregate(event, spamKey);
    const written = this.#written.get(key);
    const lastTimestamp = rfc3339(this.#clock.now());
    const count = (written?.count ?? 0) + 1;
    const next: Event =
      written === undefined
        ? { ...told, count, lastTimestamp }
        : { ...told, count, lastTimestamp, firstTimestamp: written.firstTimestamp, metadata: { ...told.metadata, name: written.name } };
    this.#written.set(key, { name: next.metadata.name ?? "", firstTimestamp: next.firstTimestamp ?? lastTimestamp, count });
    if (!this.#mayPass(spamKey)) return { action: "drop" };
    if (written === undefined) return { action: "create", event: next, key };
    return { action: "count", event: next, key, patch: { count, lastTimestamp, message: next.message } };
  }

  /** What the server made of it: later events are counted on this one. */
  wrote(key: string, event: Event): void {
    this.#written.set(key, { name: event.metadata.name ?? "", firstTimestamp: event.firstTimestamp ?? "", count: event.count ?? 1 });
  }

  #aggregate(event: Event, spamKey: string): { event: Event; key: string } {
    const similarKey = similarKeyOf(event, spamKey);
    const now = this.#clock.now();
    let record = this.#similar.get(similarKey);
    if (record === undefined || now - record.lastMs > SIMILAR_MS) record = { messages: new Set(), lastMs: now };
    record.lastMs = now;
    record.messages.add(event.message ?? "");
    this.#similar.set(similarKey, record);
    if (record.messages.size < SIMILAR_MAX) return { event, key: sameKeyOf(event, similarKey) };
    // Bounded: one goes for each that comes.
    const [oldest] = record.messages;
    if (oldest !== undefined) record.messages.delete(oldest);
    return { event: { ...event, message: `(combined from similar events): ${event.message ?? ""}` }, key: similarKey };
  }

  #mayPass(key: string): boolean {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: SPAM_BURST, filledMs: now };
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (now - bucket.filledMs) / SPAM_REFILL_MS);
    bucket.filledMs = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

// PERF: no part holds the separator but the message, which stands last.
const join = (...parts: readonly (string | undefined)[]): string => parts.join("\u0000");

const spamKeyOf = ({ source, involvedObject: about }: Event): string => join(source?.component, source?.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion);
const similarKeyOf = (event: Event, spamKey: string): string => join(spamKey, event.type, event.reason, event.reportingComponent, event.reportingInstance);
const sameKeyOf = (event: Event, similarKey: string): string => join(similarKey, event.involvedObject.fieldPath, event.message);
