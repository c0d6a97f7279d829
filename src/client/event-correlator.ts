import type { Clock } from "../base/clock.ts";
import type { Event } from "../api/generated/types/core-v1.ts";
import { LruMap } from "./lru-map.ts";

/** Objects, and kinds of event about them, that are remembered. */
const REMEMBERED = 4096;
/** So many events that differ only in their message, each within ten minutes of the last, are told as one. */
const SIMILAR_MAX = 10;
const SIMILAR_MS = 600_000;
/** Per object: so many at once, then one every five minutes. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;

/** What to do with one event: write it as new, count one that stands, or nothing. */
export type Correlated =
  | { readonly action: "create"; readonly event: Event; readonly written: Written }
  | { readonly action: "count"; readonly event: Event; readonly written: Written; readonly patch: unknown }
  | { readonly action: "drop" };

/** The event that stands for all that are the same. */
export interface Written {
  name: string;
  firstTimestamp: string;
  count: number;
}

/** An object that events are about. */
interface Subject {
  /** PERF: stands for the object in the keys of its events. */
  readonly id: number;
  tokens: number;
  filledMs: number;
  /** PERF: most objects see one event of a source. What is remembered of it moves into the maps of events when a second one comes. */
  first: First | undefined;
}

type Told = Pick<Event, "type" | "reason" | "message"> & { readonly fieldPath: string | undefined };
interface First extends Told {
  readonly written: Written;
}

/** Events that differ only in their message. */
interface Similar {
  /** The newest last; at most SIMILAR_MAX. */
  readonly messages: string[];
  lastMs: number;
}

/**
 * Decides what a new event of one source becomes: the same one again counts up, similar ones are combined, bursts are dropped.
 * @upstream client-go/tools/record/events_cache.go
 */
export class EventCorrelator {
  readonly #clock: Clock;
  /** Whoever is forgotten here is forgotten below too: each event that is looked up there was looked up here first. */
  readonly #subjects = new LruMap<Subject>(REMEMBERED);
  readonly #similar = new LruMap<Similar>(REMEMBERED);
  readonly #written = new LruMap<Written>(REMEMBERED);
  #lastId = 0;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** `about` tells the object apart from all others. */
  correlate(event: Event, about: string): Correlated {
    const nowMs = this.#clock.now();
    const subject = this.#subjects.get(about);
    if (subject === undefined) return this.#begin(event, about, nowMs);
    if (subject.first !== undefined) this.#moveFirst(subject, subject.first);
    const { type, reason, message = "", involvedObject } = event;
    const similarKey = similarKeyOf({ type, reason }, subject);
    const combined = this.#isOneOfMany(similarKey, message, nowMs);
    const told = combined ? { ...event, message: `(combined from similar events): ${message}` } : event;
    const key = combined ? similarKey : sameKeyOf({ message, fieldPath: involvedObject.fieldPath }, similarKey);
    const known = this.#written.get(key);
    if (known === undefined) {
      const written = writtenOf(event);
      this.#written.set(key, written);
      return mayPass(subject, nowMs) ? { action: "create", event: told, written } : { action: "drop" };
    }
    known.count += 1;
    if (!mayPass(subject, nowMs)) return { action: "drop" };
    const { count } = known;
    const next: Event = { ...told, count, firstTimestamp: known.firstTimestamp, metadata: { ...event.metadata, name: known.name } };
    return { action: "count", event: next, written: known, patch: { count, lastTimestamp: event.lastTimestamp, message: next.message } };
  }

  #begin(event: Event, about: string, nowMs: number): Correlated {
    const written = writtenOf(event);
    const { type, reason, message, involvedObject } = event;
    this.#lastId += 1;
    this.#subjects.set(about, { id: this.#lastId, tokens: SPAM_BURST - 1, filledMs: nowMs, first: { type, reason, message, fieldPath: involvedObject.fieldPath, written } });
    return { action: "create", event, written };
  }

  #moveFirst(subject: Subject, first: First): void {
    const similarKey = similarKeyOf(first, subject);
    this.#similar.set(similarKey, { messages: [first.message ?? ""], lastMs: subject.filledMs });
    this.#written.set(sameKeyOf(first, similarKey), first.written);
    subject.first = undefined;
  }

  #isOneOfMany(key: string, message: string, nowMs: number): boolean {
    const similar = this.#similar.get(key);
    if (similar === undefined || nowMs - similar.lastMs > SIMILAR_MS) {
      this.#similar.set(key, { messages: [message], lastMs: nowMs });
      return false;
    }
    similar.lastMs = nowMs;
    const { messages } = similar;
    if (!messages.includes(message)) messages.push(message);
    if (messages.length < SIMILAR_MAX) return false;
    // Bounded: one goes for each that comes.
    messages.shift();
    return true;
  }
}

/** What the server made of it: later events are counted on this one. */
export function noteWritten(written: Written, event: Event): void {
  written.name = event.metadata.name ?? "";
  written.firstTimestamp = event.firstTimestamp ?? "";
  written.count = event.count ?? 1;
}

function mayPass(subject: Subject, nowMs: number): boolean {
  subject.tokens = Math.min(SPAM_BURST, subject.tokens + (nowMs - subject.filledMs) / SPAM_REFILL_MS);
  subject.filledMs = nowMs;
  if (subject.tokens < 1) return false;
  subject.tokens -= 1;
  return true;
}

const writtenOf = ({ metadata, firstTimestamp = "" }: Event): Written => ({ name: metadata.name ?? "", firstTimestamp, count: 1 });

// No part holds the separator but the message, which stands last.
const similarKeyOf = ({ type, reason }: Pick<Told, "type" | "reason">, { id }: Subject): string => `${id}\u0000${type ?? ""}\u0000${reason ?? ""}`;
const sameKeyOf = ({ fieldPath, message }: Pick<Told, "fieldPath" | "message">, similarKey: string): string => `${similarKey}\u0000${fieldPath ?? ""}\u0000${message ?? ""}`;
