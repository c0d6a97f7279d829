import type { Clock } from "../base/clock.ts";
import { type Metrics, noMetrics } from "../base/metrics.ts";
import { RetryLimiter, type RetryLimiterOptions } from "./retry-limiter.ts";
import { type WorkQueueMetrics, workQueueMetrics } from "./work-queue-metrics.ts";

export interface WorkQueueOptions extends RetryLimiterOptions {
  /** Label of the metrics. */
  readonly name: string;
}

const OBSERVE_MS = 500;

/**
 * Keys to work on. A key stands in it once however often it is added, and is never worked on twice at a time: added
 * while being worked on it waits until done. So the queue is bounded by the number of objects there are.
 *
 * Example: add("a"), add("b"), add("a"): take() gives "a", then "b". add("a") before done("a"): take() waits, and
 * gives "a" again after done("a").
 *
 * @upstream client-go/util/workqueue
 */
export class WorkQueue {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #metrics: WorkQueueMetrics;
  readonly #limiter: RetryLimiter;
  /** In order; the value is when it was added. */
  readonly #waiting = new Map<string, number>();
  /** The value is when work began. */
  readonly #working = new Map<string, number>();
  /** Added while being worked on. */
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #shutDown = false;
  #observing = false;

  constructor(options: WorkQueueOptions, deps: { readonly clock: Clock; readonly metrics?: Metrics }) {
    this.#name = options.name;
    this.#clock = deps.clock;
    this.#metrics = workQueueMetrics(deps.metrics ?? noMetrics);
    this.#limiter = new RetryLimiter(options, deps);
  }

  /** Keys that wait for a worker; those for later do not count. */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#shutDown || this.#waiting.has(key) || this.#again.has(key)) return;
    this.#metrics.adds.inc([this.#name]);
    if (this.#working.has(key)) this.#again.add(key);
    else this.#enqueue(key);
  }

  /** Not before `delayMs` from now; the earlier of two wins. */
  addAfter(key: string, delayMs: number): void {
    if (this.#shutDown) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.now() + delayMs;
    const known = this.#later.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { at, cancel });
  }

  /** After a failure: again, with a delay that grows until forget(). */
  addRateLimited(key: string): void {
    this.#metrics.retries.inc([this.#name]);
    this.addAfter(key, this.#limiter.delay(key));
  }

  /** The key succeeded, or will not be tried again: its next failure counts as the first. */
  forget(key: string): void {
    this.#limiter.forget(key);
  }

  /** How often the key was rate-limited since it was forgotten. */
  failures(key: string): number {
    return this.#limiter.failures(key);
  }

  /** The next key, which must be given back with done(); undefined after shutDown. */
  take(): Promise<string | undefined> {
    const first = this.#waiting.keys().next();
    if (first.done === true) {
      if (this.#shutDown) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        this.#takers.push(resolve);
      });
    }
    this.#begin(first.value);
    return Promise.resolve(first.value);
  }

  done(key: string): void {
    const began = this.#working.get(key);
    if (began === undefined) return;
    this.#working.delete(key);
    this.#metrics.workDuration.observe((this.#clock.now() - began) / 1000, [this.#name]);
    if (this.#again.delete(key) && !this.#shutDown) this.#enqueue(key);
  }

  /** Drops what waits and lets every taker go; keys being worked on may still be given back. */
  shutDown(): void {
    this.#shutDown = true;
    for (const { cancel } of this.#later.values()) cancel();
    this.#later.clear();
    this.#waiting.clear();
    this.#again.clear();
    this.#metrics.depth.set(0, [this.#name]);
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#clock.now());
    this.#metrics.depth.set(this.#waiting.size, [this.#name]);
    const taker = this.#takers.shift();
    if (taker === undefined) return;
    this.#begin(key);
    taker(key);
  }

  #begin(key: string): void {
    const now = this.#clock.now();
    this.#metrics.queueDuration.observe((now - (this.#waiting.get(key) ?? now)) / 1000, [this.#name]);
    this.#waiting.delete(key);
    this.#metrics.depth.set(this.#waiting.size, [this.#name]);
    this.#working.set(key, now);
    this.#observe();
  }

  /** Keeps the two gauges of running work up to date, as long as there is some. */
  #observe(): void {
    if (this.#observing) return;
    this.#observing = true;
    this.#clock.after(OBSERVE_MS, () => {
      this.#observing = false;
      const now = this.#clock.now();
      let sum = 0;
      let longest = 0;
      for (const began of this.#working.values()) {
        sum += now - began;
        longest = Math.max(longest, now - began);
      }
      this.#metrics.unfinishedWork.set(sum / 1000, [this.#name]);
      this.#metrics.longestRunning.set(longest / 1000, [this.#name]);
      if (this.#working.size > 0) this.#observe();
    });
  }
}
