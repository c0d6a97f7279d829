import { type Clock, sleep } from "../../base/clock.ts";

/** Waits that can be cut short. A wake while nobody waits is not remembered: look at the state before you wait. */
export function waker(clock: Clock): {
  wake(): void;
  /** Until woken or `mostMs` have passed; rejects when the signal aborts. */
  wait(mostMs: number, signal: AbortSignal): Promise<void>;
  /** The whole time, woken or not. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
} {
  let current: (() => void) | undefined;
  return {
    wake: () => current?.(),
    async wait(mostMs, signal) {
      const cut = new AbortController();
      current = () => cut.abort();
      try {
        await sleep(clock, Math.max(0, mostMs), AbortSignal.any([signal, cut.signal]));
      } catch (error) {
        if (signal.aborted) throw error;
      } finally {
        current = undefined;
      }
    },
    async pause(ms, signal) {
      if (ms > 0) await sleep(clock, ms, signal);
      else signal.throwIfAborted();
    },
  };
}
