import type { Clock } from "../base/clock.ts";
import { Heap } from "../base/heap.ts";
import type { Pod } from "../api/generated/types/core-v1.ts";

/** A pod that waits for a node. */
export interface QueuedPod {
  readonly key: string;
  readonly pod: Pod;
  readonly attempts: number;
  /** When it first came in: older ones of the same priority go first. */
  readonly queuedAtMs: number;
}

const INITIAL_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 10_000;
/** What fits nowhere is tried again after this long even if nothing seems to have changed. @upstream DefaultPodMaxInUnschedulablePodsDuration */
const LEFTOVER_MS = 300_000;

type Place = "active" | "backoff" | "unschedulable";
interface Entry {
  pod: QueuedPod;
  place: Place;
  cancel: (() => void) | undefined;
  /** What the cluster looked like when it was last judged. */
  judgedAt: number;
}

/**
 * Pods without a node: those to be tried now (by priority, then age), those that wait out a back-off, and those that
 * wait for something to change. @upstream pkg/scheduler/backend/queue/scheduling_queue.go
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new Heap<QueuedPod>((a, b) => (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0) || a.queuedAtMs - b.queuedAtMs);
  #takers: ((pod: QueuedPod | undefined) => void)[] = [];
  #changes = 0;
  #closed = false;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Counts moves: a verdict that was reached before the last one may be out of date. */
  get changes(): number {
    return this.#changes;
  }

  add(pod: Pod, key: string): void {
    const known = this.#entries.get(key);
    if (known?.pod.pod.metadata.uid === pod.metadata.uid && known !== undefined) {
      known.pod = { ...known.pod, pod };
      if (known.place !== "active") this.#activate(known);
      return;
    }
    if (known !== undefined) this.remove(key);
    this.#activate(this.#enter({ key, pod, attempts: 0, queuedAtMs: this.#clock.now() }));
  }

  /** Takes newer facts about a waiting pod without trying it again. */
  refresh(pod: Pod, key: string): void {
    const known = this.#entries.get(key);
    if (known !== undefined) known.pod = { ...known.pod, pod };
  }

  remove(key: string): void {
    this.#entries.get(key)?.cancel?.();
    this.#entries.delete(key);
  }

  /** The next pod to try; it is no longer in the queue. Undefined when the queue is closed. */
  take(): Promise<QueuedPod | undefined> {
    const next = this.#pop();
    if (next !== undefined || this.#closed) return Promise.resolve(next);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  takeNow(): QueuedPod | undefined {
    return this.#pop();
  }

  /** Puts back what fits nowhere. When something changed since it was judged it only backs off. */
  putBack(pod: QueuedPod, judgedAt: number): void {
    if (this.#closed || this.#entries.has(pod.key)) return;
    const entry = this.#enter({ ...pod, attempts: pod.attempts + 1 });
    entry.judgedAt = judgedAt;
    if (judgedAt !== this.#changes) this.#backOff(entry);
    else {
      entry.place = "unschedulable";
      entry.cancel = this.#clock.after(LEFTOVER_MS, () => this.#activate(entry));
    }
  }

  /** Something changed that may make room: whatever waits is tried again, after its back-off. */
  moveAll(): void {
    this.#changes += 1;
    for (const entry of this.#entries.values()) if (entry.place === "unschedulable") this.#backOff(entry);
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.cancel?.();
    this.#entries.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #enter(pod: QueuedPod): Entry {
    const entry: Entry = { pod, place: "backoff", cancel: undefined, judgedAt: this.#changes };
    this.#entries.set(pod.key, entry);
    return entry;
  }

  #backOff(entry: Entry): void {
    entry.cancel?.();
    entry.place = "backoff";
    const delayMs = entry.pod.attempts === 0 ? 0 : Math.min(INITIAL_BACKOFF_MS * 2 ** (entry.pod.attempts - 1), MAX_BACKOFF_MS);
    entry.cancel = this.#clock.after(delayMs, () => this.#activate(entry));
  }

  #activate(entry: Entry): void {
    entry.cancel?.();
    entry.cancel = undefined;
    if (this.#entries.get(entry.pod.key) !== entry) return;
    entry.place = "active";
    this.#active.push(entry.pod);
    if (this.#takers.length === 0) return;
    const next = this.#pop();
    if (next !== undefined) this.#takers.shift()?.(next);
  }

  #pop(): QueuedPod | undefined {
    for (let next = this.#active.pop(); next !== undefined; next = this.#active.pop()) {
      const entry = this.#entries.get(next.key);
      // Removed meanwhile, or replaced by a pod of the same name.
      if (entry?.place !== "active" || entry.pod.pod.metadata.uid !== next.pod.metadata.uid) continue;
      this.#entries.delete(next.key);
      return entry.pod;
    }
    return undefined;
  }
}
