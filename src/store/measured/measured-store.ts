import type { Clock } from "../../base/clock.ts";
import type { Counter, Histogram, Metrics } from "../../base/metrics.ts";
import { ConflictError, type Op, type RangeOptions, type RangeResult, type Store, type StoreBatch } from "../contract.ts";

const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

export interface MeasureOptions {
  /** What stands at a key, as metrics call it: `pods`, `deployments.apps`. Must not have endlessly many answers. */
  typeOf(key: string): string;
}

/** A store whose calls are counted and timed under the names that dashboards know. @upstream apiserver/pkg/storage/etcd3/metrics/metrics.go */
export class MeasuredStore implements Store {
  readonly #inner: Store;
  readonly #clock: Clock;
  readonly #typeOf: (key: string) => string;
  readonly #seconds: Histogram;
  readonly #requests: Counter;
  readonly #errors: Counter;

  constructor(options: MeasureOptions, deps: { readonly store: Store; readonly clock: Clock; readonly metrics: Metrics }) {
    this.#inner = deps.store;
    this.#clock = deps.clock;
    this.#typeOf = options.typeOf;
    const labels = ["operation", "type"];
    this.#seconds = deps.metrics.histogram("etcd_request_duration_seconds", "How long the store takes, by operation and type of object", BUCKETS, labels);
    this.#requests = deps.metrics.counter("etcd_requests_total", "Requests to the store, by operation and type of object", labels);
    this.#errors = deps.metrics.counter("etcd_request_errors_total", "Requests to the store that failed, by operation and type of object", labels);
  }

  revision(): Promise<number> {
    return this.#inner.revision();
  }

  range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    return this.#measured("list", prefix, () => this.#inner.range(prefix, options));
  }

  commit(ops: readonly Op[]): Promise<number> {
    const [first] = ops;
    if (first === undefined) return this.#inner.commit(ops);
    const operation = first.type === "delete" ? "delete" : first.if === "absent" ? "create" : "update";
    return this.#measured(operation, first.key, () => this.#inner.commit(ops));
  }

  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): AsyncIterable<StoreBatch> {
    return this.#inner.watch(prefix, options);
  }

  compact(revision: number): Promise<void> {
    return this.#measured("compact", "", () => this.#inner.compact(revision));
  }

  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#inner.snapshot(signal);
  }

  size(): Promise<number> {
    return this.#inner.size();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** The very promise of the store below: what a commit changed is told in the same turn. */
  #measured<T>(operation: string, key: string, call: () => Promise<T>): Promise<T> {
    const started = this.#clock.now();
    const labels = [operation, key === "" ? "" : this.#typeOf(key)];
    const done = (error?: unknown): void => {
      this.#seconds.observe((this.#clock.now() - started) / 1000, labels);
      this.#requests.inc(labels);
      // A condition that does not hold is an answer.
      if (error !== undefined && !(error instanceof ConflictError)) this.#errors.inc(labels);
    };
    const calling = call();
    calling.then(() => done(), done);
    return calling;
  }
}
