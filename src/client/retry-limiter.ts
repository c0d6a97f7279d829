import type { Clock } from "../base/clock.ts";

export interface RetryLimiterOptions {
  /** Delay after a key's first failure; it doubles with each further one. Default 5 ms. */
  readonly baseDelayMs?: number;
  /** Default 1000 s. */
  readonly maxDelayMs?: number;
  /** Retries of all keys together, per second, once the burst is used up. Default 10. */
  readonly perSecond?: number;
  /** Default 100. */
  readonly burst?: number;
}

/**
 * How long a failed key waits: the longer of its own exponential delay and the queue's token bucket. Holds one number
 * per failing key; forget() drops it.
 * @upstream client-go/util/workqueue/default_rate_limiters.go
 */
export class RetryLimiter {
  readonly #options: Required<RetryLimiterOptions>;
  readonly #clock: Clock;
  readonly #failures = new Map<string, number>();
  #tokens: number;
  #filledAt: number;

  constructor(options: RetryLimiterOptions, deps: { readonly clock: Clock }) {
    this.#options = { baseDelayMs: 5, maxDelayMs: 1_000_000, perSecond: 10, burst: 100, ...options };
    this.#clock = deps.clock;
    this.#tokens = this.#options.burst;
    this.#filledAt = deps.clock.now();
  }

  /** Milliseconds until the key may be tried again; counts one failure. */
  delay(key: string): number {
    const { baseDelayMs, maxDelayMs } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    return Math.max(Math.min(baseDelayMs * 2 ** failures, maxDelayMs), this.#reserve());
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes a token, if need be one that does not exist yet; milliseconds until it does. */
  #reserve(): number {
    const { perSecond, burst } = this.#options;
    const now = this.#clock.now();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1000);
    this.#filledAt = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / perSecond;
  }
}
