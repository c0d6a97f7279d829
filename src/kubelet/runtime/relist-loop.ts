import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { Pause } from "../pause.ts";
import type { RuntimeCache } from "./runtime-cache.ts";

export interface RelistDeps {
  readonly cache: RuntimeCache;
  readonly clock: Clock;
  readonly log: Logger;
  /** These pods are not as they were. */
  changed(uids: readonly string[]): void;
}

const quickMs = 200;
/** How long after the last change the runtime is looked at more often: what starts tends to end or fail soon. */
const livelyMs = 3000;
const stuckMs = 180_000;

/** Looks at the runtime once a second, faster while things move. @upstream pkg/kubelet/pleg/generic.go */
export class RelistLoop {
  readonly #intervalMs: number;
  readonly #deps: RelistDeps;
  #livelyUntilMs = 0;
  #lastMs: number | undefined;
  readonly #pause: Pause;

  constructor(options: { readonly intervalMs: number }, deps: RelistDeps) {
    this.#intervalMs = options.intervalMs;
    this.#deps = deps;
    this.#pause = new Pause(deps);
  }

  /** Something has been done to a pod: look more often for a while. */
  enliven(): void {
    const lively = this.#livelyUntilMs > this.#deps.clock.now();
    this.#livelyUntilMs = this.#deps.clock.now() + livelyMs;
    if (!lively) this.#pause.wake();
  }

  /** Why the node is not to be trusted with pods, when the runtime has not answered for long. */
  get problem(): string | undefined {
    if (this.#lastMs === undefined) return undefined;
    const silentMs = this.#deps.clock.now() - this.#lastMs;
    return silentMs > stuckMs ? `PLEG is not healthy: pleg was last seen active ${Math.floor(silentMs / 1000)}s ago; threshold is 3m0s` : undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.relist();
      const lively = this.#deps.clock.now() < this.#livelyUntilMs;
      await this.#pause.wait(lively ? quickMs : this.#intervalMs, signal);
    }
  }

  async relist(): Promise<void> {
    try {
      const changed = await this.#deps.cache.relist();
      this.#lastMs = this.#deps.clock.now();
      if (changed.length === 0) return;
      this.#livelyUntilMs = this.#lastMs + livelyMs;
      this.#deps.changed(changed);
    } catch (error) {
      this.#lastMs ??= this.#deps.clock.now();
      this.#deps.log.warn("the runtime's containers cannot be listed", { error });
    }
  }
}
