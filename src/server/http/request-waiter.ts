import type { Waiter } from "../../meta/wire.ts";

/** The other side of one request. PERF: its signal is made when somebody looks; most answers are written before anybody does. */
export class RequestWaiter implements Waiter {
  #controller: AbortController | undefined;
  #isGone = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isGone) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Nobody waits any more. */
  leave(): void {
    this.#isGone = true;
    this.#controller?.abort();
  }
}
