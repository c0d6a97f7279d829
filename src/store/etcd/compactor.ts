import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Store } from "../contract.ts";

/**
 * Lets etcd forget what is older than an interval, as upstream's API server does; for an etcd that does not run with
 * `--auto-compaction-retention`. Several may run side by side: the second finds nothing left to do.
 * @upstream staging/src/k8s.io/apiserver/pkg/storage/etcd3/compact.go
 */
export class EtcdCompactor {
  readonly #intervalMs: number;
  readonly #store: Pick<Store, "revision" | "compact">;
  readonly #clock: Clock;
  readonly #log: Pick<Logger, "warn">;

  /** `intervalMs` defaults to 5 minutes. */
  constructor(options: { readonly intervalMs?: number }, deps: { readonly store: Pick<Store, "revision" | "compact">; readonly clock: Clock; readonly log: Pick<Logger, "warn"> }) {
    this.#intervalMs = options.intervalMs ?? 300_000;
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  async run(signal: AbortSignal): Promise<void> {
    let before: number | undefined;
    while (!signal.aborted) {
      try {
        const revision = await this.#store.revision();
        if (before !== undefined) await this.#store.compact(before);
        before = revision;
      } catch (error) {
        this.#log.warn("compaction of etcd failed", { error });
      }
      await sleep(this.#clock, this.#intervalMs, signal).catch(() => {});
    }
  }
}
