import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Each delay is lengthened by up to this share of it. Default 1. */
  readonly jitter?: number;
  /** Not asked for this long, it begins anew. Default 2 min. */
  readonly resetMs?: number;
}

/** Delays that double from `baseMs` to `maxMs`, with jitter: `{ baseMs: 800, maxMs: 30_000 }` gives 0.8 to 1.6 s, 1.6 to 3.2 s, … */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  readonly #clock: Clock;
  readonly #random: Random;
  #delayMs: number;
  #askedAt = 0;

  constructor(options: BackoffOptions, deps: { readonly clock: Clock; readonly random: Random }) {
    this.#options = { jitter: 1, resetMs: 120_000, ...options };
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#delayMs = options.baseMs;
  }

  /** How long to wait this time, in milliseconds. */
  next(): number {
    const now = this.#clock.now();
    if (now - this.#askedAt > this.#options.resetMs) this.reset();
    this.#askedAt = now;
    const delay = this.#delayMs;
    this.#delayMs = Math.min(delay * 2, this.#options.maxMs);
    return delay * (1 + this.#random.next() * this.#options.jitter);
  }

  reset(): void {
    this.#delayMs = this.#options.baseMs;
  }
}
