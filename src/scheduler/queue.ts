import type { Pod } from "../api/generated/types/core-v1.ts";
import type { Clock } from "../base/clock.ts";
import { Heap } from "../base/heap.ts";
import { type Change, type ChangeKind, eventOf, kindOf, podActions } from "./changes.ts";
import type { Room, Standing } from "./freed-room.ts";

/** A pod that waits for a node. */
export interface QueuedPod {
  readonly key: string;
  readonly pod: Pod;
  readonly attempts: number;
  /** Attempts that found no node, and those in a row that failed for another reason. */
  readonly misfits: number;
  readonly errors: number;
  /** When it came in last: older ones of the same priority go first. */
  readonly sinceMs: number;
  /** When it could first be tried. */
  readonly firstMs: number;
  /** Plug-ins that turned it away; empty after an error. */
  readonly rejectedBy: ReadonlySet<string>;
  /** How matters stood at its last attempt, one object for all that are alike in this. */
  readonly standing?: Standing | undefined;
}

export type QueuePlace = "active" | "backoff" | "unschedulable" | "gated";

export interface QueueOptions {
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** What fits nowhere is tried again after this long even if nothing seems to have changed. */
  readonly leftoverMs?: number;
  /** Whether pods that back off are tried early when there is nothing else to do. Default true. */
  readonly popsBackoff?: boolean;
}

/** What plug-ins know of changes. */
export interface QueueHints {
  /** The names of those that listen. */
  listening(kind: ChangeKind): readonly string[];
  mayHelp(plugin: string, pod: Pod, change: Change): boolean;
}

export interface QueueDeps {
  readonly clock: Clock;
  readonly hints: QueueHints;
  /** The plug-in that does not let the pod be tried yet, if any. @upstream PreEnqueue */
  gate(key: string, pod: Pod): string | undefined;
  /** Told when pods come to a place, with what brought them there, and when they leave it. */
  came?(place: QueuePlace, event: string): void;
  left?(place: QueuePlace): void;
}

interface Entry {
  queued: QueuedPod;
  /** Undefined: it has just come in. */
  place: QueuePlace | undefined;
  /** When its back-off is over. */
  readyMs: number;
  gatedBy: string | undefined;
  /** Something happened that would have woken it, had it not been gated. */
  wanted: boolean;
}

const nobody: ReadonlySet<string> = new Set();
const LEFTOVER_EVERY_MS = 30_000;
/** Pods whose back-off ends in the same second are woken together, by priority. */
const WINDOW_MS = 1_000;

/**
 * Pods without a node: those to be tried now (by priority, then age), those that wait out a back-off, those that wait
 * for something to change, and those that may not be tried yet. @upstream pkg/scheduler/backend/queue/scheduling_queue.go
 */
export class SchedulingQueue {
  readonly #options: Required<QueueOptions>;
  readonly #deps: QueueDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new Heap<Entry>(compareUrgency);
  readonly #backoff = new Heap<Entry>((a, b) => a.readyMs - b.readyMs || compareUrgency(a, b));
  /** Those that failed for no fault of theirs; they are never tried early. */
  readonly #erring = new Heap<Entry>((a, b) => a.readyMs - b.readyMs);
  /** Sleeping entries by the plug-ins that turned them away, and gated ones by the plug-in that keeps the gate; each by its standing. */
  readonly #listening = new Map<string, Map<Standing | undefined, Set<Entry>>>();
  readonly #takers: ((pod: QueuedPod | undefined) => void)[] = [];
  #wake: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #leftovers: (() => void) | undefined;
  #sleeping = 0;
  #closed = false;

  constructor(options: QueueOptions, deps: QueueDeps) {
    this.#options = { initialBackoffMs: 1_000, maxBackoffMs: 10_000, leftoverMs: 300_000, popsBackoff: true, ...options };
    this.#deps = deps;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All that wait. */
  *waiting(): Iterable<QueuedPod> {
    for (const { queued } of this.#entries.values()) yield queued;
  }

  /** Whether anybody waits for something to happen. */
  get isListenedTo(): boolean {
    return this.#listening.size > 0;
  }

  placeOf(key: string): QueuePlace | undefined {
    return this.#entries.get(key)?.place;
  }

  add(key: string, pod: Pod): void {
    if (this.#closed) return;
    this.remove(key);
    const now = this.#deps.clock.now();
    this.#requeue(this.#enter({ key, pod, attempts: 0, misfits: 0, errors: 0, sinceMs: now, firstMs: now, rejectedBy: nobody }), "UnscheduledPodAdd");
  }

  /** Takes newer facts about a pod; wakes it when they may help it. One that is not there comes in. */
  update(key: string, previous: Pod, pod: Pod): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.queued.pod.metadata.uid !== pod.metadata.uid) {
      this.add(key, pod);
      return;
    }
    entry.queued = { ...entry.queued, pod };
    if (entry.place !== "unschedulable" && entry.place !== "gated") return;
    const { hints } = this.#deps;
    for (const action of podActions(previous, pod)) {
      const change: Change = { resource: "target", action, previous, next: pod };
      for (const plugin of hints.listening(kindOf(change)))
        if (this.#listening.get(plugin)?.get(entry.queued.standing)?.has(entry) === true && hints.mayHelp(plugin, pod, change)) {
          this.#requeue(entry, eventOf(change));
          return;
        }
    }
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#leave(entry);
    this.#entries.delete(key);
  }

  /** The next pod to try; it is no longer in the queue. Undefined when the queue is closed. */
  take(): Promise<QueuedPod | undefined> {
    const next = this.takeNow();
    if (next !== undefined || this.#closed) return Promise.resolve(next);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  takeNow(): QueuedPod | undefined {
    const entry = this.#pop(this.#active, "active") ?? (this.#options.popsBackoff ? this.#pop(this.#backoff, "backoff") : undefined);
    if (entry === undefined) return undefined;
    const { queued } = entry;
    this.#leave(entry);
    this.#entries.delete(queued.key);
    return { ...queued, attempts: queued.attempts + 1 };
  }

  /** Puts back what fits nowhere, with the plug-ins that turned it away, or (with none) what failed for another reason. */
  putBack(queued: QueuedPod, rejectedBy: ReadonlySet<string>, standing?: Standing): void {
    if (this.#closed || this.#entries.has(queued.key)) return;
    const isError = rejectedBy.size === 0;
    const counts = isError ? { errors: queued.errors + 1 } : { errors: 0, misfits: queued.misfits + 1 };
    const entry = this.#enter({ ...queued, ...counts, rejectedBy, standing, sinceMs: this.#deps.clock.now() });
    const backoffMs = this.#backoffMs(entry.queued);
    entry.readyMs = this.#readyAt(entry.queued.sinceMs + backoffMs);
    if (isError) this.#requeue(entry, "ScheduleAttemptFailure");
    else this.#sleep(entry);
  }

  /** Something changed: those that it may help are tried again, after their back-off. `room`: it is about no more than room on a node. */
  move(change: Change, { room, isMeant = () => true }: { readonly room?: Room; readonly isMeant?: (pod: Pod) => boolean } = {}): void {
    if (!this.isListenedTo) return;
    const { hints } = this.#deps;
    for (const plugin of hints.listening(kindOf(change))) {
      // First all, then moved: an entry may come back into the set.
      const helped: Entry[] = [];
      const consider = (entry: Entry): void => {
        const { pod } = entry.queued;
        if (isMeant(pod) && hints.mayHelp(plugin, pod, change)) helped.push(entry);
      };
      for (const [standing, entries] of this.#listening.get(plugin) ?? []) {
        if (room === undefined || standing === undefined) for (const entry of entries) consider(entry);
        else if (mayUse(room, standing, entries)) for (const entry of entries) consider(entry);
        else
          for (const key of room.keptFor) {
            const entry = this.#entries.get(key);
            if (entry !== undefined && entries.has(entry)) consider(entry);
          }
      }
      if (helped.length === 0) continue;
      const event = eventOf(change);
      for (const entry of helped) this.#requeue(entry, event);
    }
  }

  /** How matters stood for the pod is no longer so. */
  unsettle(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.queued.standing === undefined) return;
    this.#unlist(entry);
    entry.queued = { ...entry.queued, standing: undefined };
    this.#list(entry);
  }

  /** A gate may have opened for the pod: it is tried again if it was to be meanwhile, or in any case. */
  recheck(key: string, options: { readonly always?: boolean } = {}): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (entry.place !== "gated" && entry.place !== "unschedulable")) return;
    if (entry.wanted || options.always === true) this.#requeue(entry, "ForceActivate");
  }

  close(): void {
    this.#closed = true;
    this.#wake?.cancel();
    this.#leftovers?.();
    for (const key of this.#entries.keys()) this.remove(key);
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #enter(queued: QueuedPod): Entry {
    const entry: Entry = { queued, place: undefined, readyMs: 0, gatedBy: undefined, wanted: false };
    this.#entries.set(queued.key, entry);
    return entry;
  }

  /** Out of where it waits, into what comes next for it. */
  #requeue(entry: Entry, event: string): void {
    const gatedBy = this.#deps.gate(entry.queued.key, entry.queued.pod);
    if (gatedBy !== undefined) {
      entry.wanted = true;
      if (entry.place === "gated" && entry.gatedBy === gatedBy) return;
    }
    const wasGated = entry.place === "gated";
    this.#leave(entry);
    entry.gatedBy = gatedBy;
    if (gatedBy !== undefined) {
      this.#place(entry, "gated", event);
      return;
    }
    if (entry.queued.attempts === 0 && wasGated) entry.queued = { ...entry.queued, firstMs: this.#deps.clock.now() };
    entry.wanted = false;
    if (entry.readyMs > this.#deps.clock.now()) {
      this.#place(entry, "backoff", event);
      (isErring(entry) ? this.#erring : this.#backoff).push(entry);
      this.#wakeAt(entry.readyMs);
    } else {
      this.#place(entry, "active", event);
      this.#active.push(entry);
    }
    this.#serve();
  }

  #sleep(entry: Entry): void {
    this.#leave(entry);
    this.#place(entry, "unschedulable", "ScheduleAttemptFailure");
    this.#leftovers ??= this.#deps.clock.after(LEFTOVER_EVERY_MS, () => this.#flushLeftovers());
  }

  #place(entry: Entry, place: QueuePlace, event: string): void {
    entry.place = place;
    this.#deps.came?.(place, event);
    if (place === "unschedulable") this.#sleeping += 1;
    this.#list(entry);
  }

  #list(entry: Entry): void {
    if (entry.place !== "unschedulable" && entry.place !== "gated") return;
    const { standing } = entry.queued;
    for (const plugin of listeners(entry)) {
      let waiting = this.#listening.get(plugin);
      if (waiting === undefined) {
        waiting = new Map();
        this.#listening.set(plugin, waiting);
      }
      const set = waiting.get(standing);
      if (set === undefined) waiting.set(standing, new Set([entry]));
      else set.add(entry);
    }
  }

  #unlist(entry: Entry): void {
    if (entry.place !== "unschedulable" && entry.place !== "gated") return;
    const { standing } = entry.queued;
    for (const plugin of listeners(entry)) {
      const waiting = this.#listening.get(plugin);
      const set = waiting?.get(standing);
      if (waiting === undefined || set?.delete(entry) !== true || set.size > 0) continue;
      waiting.delete(standing);
      if (waiting.size === 0) this.#listening.delete(plugin);
    }
  }

  #leave(entry: Entry): void {
    const { place } = entry;
    if (place === undefined) return;
    this.#deps.left?.(place);
    if (place === "unschedulable") this.#sleeping -= 1;
    this.#unlist(entry);
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const next = this.takeNow();
      if (next === undefined) return;
      this.#takers.shift()?.(next);
    }
  }

  /** Heaps keep what left its place until it comes up. */
  #pop(heap: Heap<Entry>, place: QueuePlace): Entry | undefined {
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) if (this.#isAt(entry, place)) return entry;
    return undefined;
  }

  #isAt(entry: Entry, place: QueuePlace): boolean {
    return entry.place === place && this.#entries.get(entry.queued.key) === entry;
  }

  #backoffMs({ misfits, errors }: QueuedPod): number {
    const count = errors > 0 ? errors : misfits;
    return count === 0 ? 0 : Math.min(this.#options.initialBackoffMs * 2 ** (count - 1), this.#options.maxBackoffMs);
  }

  #readyAt(expiryMs: number): number {
    return this.#options.popsBackoff ? Math.floor(expiryMs / WINDOW_MS) * WINDOW_MS + WINDOW_MS : expiryMs;
  }

  #wakeAt(atMs: number): void {
    if (this.#wake !== undefined && this.#wake.atMs <= atMs) return;
    this.#wake?.cancel();
    this.#wake = { atMs, cancel: this.#deps.clock.after(atMs - this.#deps.clock.now(), () => this.#flushBackoff()) };
  }

  #flushBackoff(): void {
    this.#wake = undefined;
    const now = this.#deps.clock.now();
    for (const heap of [this.#backoff, this.#erring]) {
      for (let top = heap.peek(); top !== undefined; top = heap.peek()) {
        const isThere = this.#isAt(top, "backoff");
        if (isThere && top.readyMs > now) {
          this.#wakeAt(top.readyMs);
          break;
        }
        heap.pop();
        if (isThere) this.#requeue(top, "BackoffComplete");
      }
    }
  }

  #flushLeftovers(): void {
    this.#leftovers = undefined;
    const since = this.#deps.clock.now() - this.#options.leftoverMs;
    for (const entry of this.#entries.values()) if (entry.place === "unschedulable" && entry.queued.sinceMs <= since) this.#requeue(entry, "UnschedulableTimeout");
    if (this.#sleeping > 0) this.#leftovers = this.#deps.clock.after(LEFTOVER_EVERY_MS, () => this.#flushLeftovers());
  }
}

function compareUrgency({ queued: a }: Entry, { queued: b }: Entry): number {
  return (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0) || a.sinceMs - b.sinceMs;
}

/** All of the same standing: what holds for one holds for each, those aside that the room is kept for. */
function mayUse(room: Room, standing: Standing, entries: ReadonlySet<Entry>): boolean {
  for (const { queued } of entries) if (!room.keptFor.includes(queued.key)) return room.mayUse(standing, queued.pod);
  return false;
}

const isErring = ({ queued }: Entry): boolean => queued.rejectedBy.size === 0;

/**
 * Whose changes wake the entry. One behind a gate is to be tried in any case once the gate opens: only what may open it
 * matters. @upstream scheduling_queue.go GatingPluginEvents
 */
function listeners({ queued, place, gatedBy }: Entry): Iterable<string> {
  return place === "gated" && gatedBy !== undefined ? [gatedBy] : queued.rejectedBy;
}
