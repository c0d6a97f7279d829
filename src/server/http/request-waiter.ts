import type { Waiter } from "../../meta/wire.ts";

/** The other side of one request. PERF: its signal is made when somebody looks; most answers are written before anybody does. */
export class RequestWaiter implements Waiter {
  #controller: AbortController | undefined;
  #state: "waiting" | "answered" | "gone" = "waiting";

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === "gone") this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** It has its answer: that it leaves is of no interest any more. */
  answered(): void {
    if (this.#state === "waiting") this.#state = "answered";
  }

  /** It has left. PERF: aborts only when it had no answer yet; every abort makes an error with a stack. */
  leave(): void {
    if (this.#state !== "waiting") return;
    this.#state = "gone";
    this.#controller?.abort();
  }
}
