import type { Clock } from "../../base/clock.ts";
import { failure, type StatusError } from "../../meta/status-error.ts";
import type { Waiter } from "../../meta/wire.ts";

/** For how long work on an answer has a point. */
export interface WorkTime {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The caller has been told that it took too long: nothing may be written any more. */
  readonly isOver: boolean;
}

/** Of work that lasts until its caller leaves. */
export class OpenEnd implements WorkTime {
  readonly #caller: Waiter;
  readonly isOver = false;

  constructor(caller: Waiter) {
    this.#caller = caller;
  }

  get signal(): AbortSignal {
    return this.#caller.signal;
  }
}

/**
 * The time that one answer may take. When it is over the caller gets 504, and the signal aborts, so that what still waits
 * behind it stops. PERF: most work never looks at its signal, which costs more to make than a small answer.
 */
export class Deadline implements WorkTime {
  readonly #caller: Waiter;
  #own: AbortController | undefined;
  #letGo: (() => void) | undefined;
  #over: StatusError | undefined;

  constructor(caller: Waiter) {
    this.#caller = caller;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#own === undefined) {
      const own = new AbortController();
      this.#own = own;
      const caller = this.#caller.signal;
      if (this.#over !== undefined) own.abort(this.#over);
      else if (caller.aborted) own.abort(caller.reason);
      else {
        const follow = (): void => own.abort(caller.reason);
        caller.addEventListener("abort", follow, { once: true });
        this.#letGo = () => caller.removeEventListener("abort", follow);
      }
    }
    return this.#own.signal;
  }

  /** The answer, or 504 when it takes longer than `withinMs`. `ended` is called once the work has, in time or not. */
  answer<T>(work: Promise<T>, { withinMs, clock }: { readonly withinMs: number; readonly clock: Clock }, ended: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(withinMs, () => {
        this.#over = tooLate();
        this.#own?.abort(this.#over);
        reject(this.#over);
      });
      work.then(
        (value) => {
          ended();
          cancel();
          this.#letGo?.();
          resolve(value);
        },
        (error: unknown) => {
          ended();
          cancel();
          this.#letGo?.();
          reject(error);
        },
      );
    });
  }
}

/** @upstream apiserver/pkg/server/filters/timeout.go */
export function tooLate(): StatusError {
  return failure("Timeout", "Timeout: request did not complete within the allotted timeout", { retryAfterSeconds: 0 });
}
