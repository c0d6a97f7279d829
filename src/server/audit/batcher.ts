import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Counter, Metrics } from "../../base/metrics.ts";
import type { AuditEvent, AuditSink } from "./event.ts";

export interface BatchOptions {
  /** `log` or `webhook`, for metrics. */
  readonly name: string;
  /** Events that wait at most; further ones are lost. */
  readonly bufferSize: number;
  /** Events that are delivered together at most. */
  readonly maxSize: number;
  /** How long an event waits for others. */
  readonly maxWaitMs: number;
  /** Batches a second, as an average; 0: no bound. */
  readonly qps: number;
  /** Batches that may go at once when none went for a while. */
  readonly burst: number;
}

export interface BatchDeps {
  /** The event as it is delivered; undefined when it cannot be. */
  encode(event: AuditEvent): string | undefined;
  /** Rejects when the events could not be delivered. */
  deliver(events: readonly string[]): Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Characters that wait at most: events carry bodies. */
const MOST_CHARACTERS = 64 << 20;

/** Gathers events and delivers several at once, beside the requests. @upstream apiserver/plugin/pkg/audit/buffered/buffered.go */
export class Batcher implements AuditSink {
  readonly #options: BatchOptions;
  readonly #deps: BatchDeps;
  readonly #waiting: string[] = [];
  #characters = 0;
  readonly #errors: Counter;
  #wake: (() => void) | undefined;
  #isEnding = false;
  #isComplaining = false;
  #tokens: number;
  #filledMs: number;

  constructor(options: BatchOptions, deps: BatchDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#tokens = options.burst;
    this.#filledMs = deps.clock.now();
    this.#errors = deps.metrics.counter("apiserver_audit_error_total", "Audit events that were lost, by the backend that lost them", ["plugin"]);
  }

  write(event: AuditEvent): void {
    const isFull = this.#isEnding || this.#waiting.length >= this.#options.bufferSize || this.#characters > MOST_CHARACTERS;
    const text = isFull ? undefined : this.#deps.encode(event);
    if (text === undefined) {
      this.#lose(1, isFull ? "the buffer is full" : "an event is too large");
      return;
    }
    this.#waiting.push(text);
    this.#characters += text.length;
    if (this.#waiting.length === 1 || this.#waiting.length >= this.#options.maxSize) this.#wake?.();
  }

  /** Until the signal aborts; then what waits is delivered, and it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { maxSize, maxWaitMs } = this.#options;
    while (!signal.aborted) {
      if (this.#waiting.length === 0) await this.#woken(signal, undefined);
      if (!signal.aborted && this.#waiting.length < maxSize) await this.#woken(signal, maxWaitMs);
      if (this.#waiting.length === 0 || signal.aborted) continue;
      await this.#throttled(signal);
      await this.#deliver();
    }
    this.#isEnding = true;
    while (this.#waiting.length > 0) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const events = this.#waiting.splice(0, this.#options.maxSize);
    for (const { length } of events) this.#characters -= length;
    try {
      await this.#deps.deliver(events);
      this.#isComplaining = false;
    } catch (error) {
      this.#lose(events.length, error instanceof Error ? error.message : String(error));
    }
  }

  #lose(count: number, reason: string): void {
    this.#errors.inc([this.#options.name], count);
    if (!this.#isComplaining) this.#deps.log.error("audit events are lost", { backend: this.#options.name, reason });
    this.#isComplaining = true;
  }

  /** Resolves when there is more to look at, the time is over, or the signal aborts. */
  #woken(signal: AbortSignal, withinMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      // The first event of a batch wakes from an endless wait; while a batch is gathered only a full one does.
      this.#wake = () => {
        if (withinMs === undefined || this.#waiting.length >= this.#options.maxSize) done();
      };
      if (withinMs !== undefined) cancel = this.#deps.clock.after(withinMs, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** A token bucket. */
  async #throttled(signal: AbortSignal): Promise<void> {
    const { qps, burst } = this.#options;
    if (qps <= 0) return;
    const { clock } = this.#deps;
    const fill = (): void => {
      const now = clock.now();
      this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledMs) / 1000) * qps);
      this.#filledMs = now;
    };
    fill();
    if (this.#tokens < 1) {
      await sleep(clock, Math.ceil(((1 - this.#tokens) / qps) * 1000), signal).catch(() => {});
      fill();
    }
    this.#tokens -= 1;
  }
}
