import type { Gauge } from "../../base/metrics.ts";
import { failure } from "../../meta/status-error.ts";

export interface InFlightOptions {
  /** Requests under way that only read. */
  readonly readOnly: number;
  /** Requests under way that change something. */
  readonly mutating: number;
}

export const defaultInFlight: InFlightOptions = { readOnly: 800, mutating: 400 };
const readMethods = new Set(["GET", "HEAD"]);

/** Counts requests under way and turns away those beyond the bound. @upstream apiserver/pkg/server/filters/maxinflight.go */
export class InFlight {
  readonly #options: InFlightOptions;
  readonly #gauge: Gauge;
  readonly #counts = { readOnly: 0, mutating: 0 };

  constructor(options: InFlightOptions, deps: { readonly gauge: Gauge }) {
    this.#options = options;
    this.#gauge = deps.gauge;
  }

  /** Returns what ends the request; throws 429 when too many are under way, unless `always`. */
  enter(method: string, always: boolean): () => void {
    const kind = readMethods.has(method) ? "readOnly" : "mutating";
    if (this.#counts[kind] >= this.#options[kind] && !always) {
      throw failure("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 });
    }
    this.#counts[kind] += 1;
    this.#gauge.set(this.#counts[kind], [kind]);
    return () => {
      this.#counts[kind] -= 1;
      this.#gauge.set(this.#counts[kind], [kind]);
    };
  }
}
