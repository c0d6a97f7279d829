import type { Clock } from "../base/clock.ts";

/** A wait that can be cut short. PERF: kubelets pause all the time; no signals or errors are made for it. */
export class Pause {
  readonly #clock: Clock;
  #end: (() => void) | undefined;

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Ends the wait under way, if there is one. */
  wake(): void {
    this.#end?.();
  }

  /** Resolves after the time, when woken, or when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const end = (): void => {
        this.#end = undefined;
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = this.#clock.after(delayMs, end);
      this.#end = end;
      signal.addEventListener("abort", end, { once: true });
    });
  }
}
