import type { Clock } from "./clock.ts";
import { Heap } from "./heap.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/**
 * A clock that moves only when told. `advance(ms)` fires due timers in order, letting pending work settle between
 * them; `settle()` lets promises run until nothing more happens at the present instant.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Heap<Timer>((a, b) => a.at - b.at || a.order - b.order);
  readonly #turn: () => Promise<void>;

  /** `turn` gives way to all queued work once; in Node that is `setImmediate`. */
  constructor(options: { readonly startMs?: number; readonly turn: () => Promise<void> }) {
    this.#now = options.startMs ?? Date.UTC(2026, 0, 1);
    this.#turn = options.turn;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      const before = this.#order;
      for (let turn = 0; turn < 4; turn += 1) await this.#turn();
      const fired = this.#fireDue();
      if (!fired && this.#order === before) return;
    }
  }

  async advance(byMs: number): Promise<void> {
    const end = this.#now + byMs;
    await this.settle();
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#fireDue();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  #peek(): Timer | undefined {
    for (;;) {
      const top = this.#timers.peek();
      if (top === undefined || top.callback !== undefined) return top;
      this.#timers.pop();
    }
  }

  #fireDue(): boolean {
    let fired = false;
    for (let top = this.#peek(); top !== undefined && top.at <= this.#now; top = this.#peek()) {
      this.#timers.pop();
      fired = true;
      top.callback?.();
    }
    return fired;
  }
}
