interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

/**
 * Doubling delays per key, forgotten after twice the longest delay of quiet. Example with 10 s and 300 s: the first
 * `next` makes 10 s, the following ones 20, 40 … 300. @upstream client-go/util/flowcontrol/backoff.go
 */
export class BackOff {
  readonly #entries = new Map<string, Entry>();
  readonly #initialMs: number;
  readonly #maxMs: number;

  constructor(options: { readonly initialMs: number; readonly maxMs: number }) {
    this.#initialMs = options.initialMs;
    this.#maxMs = options.maxMs;
  }

  /** The present delay, 0 when there is none. */
  delayOf(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** How long is still to wait after something that happened at `eventMs`; 0 when it may be tried again. */
  remainingMs(key: string, times: { readonly eventMs: number; readonly nowMs: number }): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isOver(entry, times.eventMs)) return 0;
    return Math.max(0, times.eventMs + entry.delayMs - times.nowMs);
  }

  /** As remainingMs, counted from the last `next`. */
  remainingSinceUpdateMs(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isOver(entry, nowMs)) return 0;
    return Math.max(0, entry.updatedMs + entry.delayMs - nowMs);
  }

  /** Lengthens the delay after an attempt. */
  next(key: string, times: { readonly eventMs: number; readonly nowMs: number }): void {
    const entry = this.#entries.get(key);
    const delayMs = entry === undefined || this.#isOver(entry, times.eventMs) ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, updatedMs: times.nowMs });
  }

  reset(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets keys that begin with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #isOver(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.updatedMs > 2 * this.#maxMs;
  }
}
