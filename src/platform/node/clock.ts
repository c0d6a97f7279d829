import type { Clock } from "../../base/clock.ts";

// Node turns longer delays into 1 ms.
const longestDelayMs = 2 ** 31 - 1;

/** The machine's clock. Delays of any length. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    let left = Math.max(0, delayMs);
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const step = Math.min(left, longestDelayMs);
      left -= step;
      timer = setTimeout(left > 0 ? arm : callback, step);
    };
    arm();
    return () => clearTimeout(timer);
  },
};
