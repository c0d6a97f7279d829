import { resourceSlices } from "../../../api/generated/resources.ts";
import { sleep, type Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Client } from "../../../client/client.ts";
import { errorText } from "../../rpc-error-text.ts";

export interface SliceWiperDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** So long a driver may be away before its devices are no longer offered. */
const wipeAfterMs = 30_000;
const firstRetryMs = 1000;
const longestRetryMs = 300_000;

/**
 * Takes back the slices of this node whose driver is not there: pods would come for devices that nobody prepares.
 * @upstream pkg/kubelet/cm/dra/plugin/dra_plugin_manager.go wipeResourceSlices
 */
export class SliceWiper {
  readonly #options: { readonly nodeName: string; readonly signal: AbortSignal };
  readonly #deps: SliceWiperDeps;
  /** Drivers whose time runs, with how to stop it. */
  readonly #pending = new Map<string, () => void>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: { readonly nodeName: string; readonly signal: AbortSignal }, deps: SliceWiperDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** At the start no driver is there yet; those that come back tell of their devices again. */
  wipeAll(): void {
    this.#start("", new AbortController());
  }

  /** The driver is gone; when that was said before, its time is not put off. */
  gone(driver: string): void {
    if (this.#pending.has(driver) || this.#options.signal.aborted) return;
    const abort = new AbortController();
    const cancel = this.#deps.clock.after(wipeAfterMs, () => this.#start(driver, abort));
    this.#pending.set(driver, () => {
      cancel();
      abort.abort(new Error("the driver is back"));
    });
  }

  back(driver: string): void {
    this.#pending.get(driver)?.();
    this.#pending.delete(driver);
  }

  async drained(): Promise<void> {
    for (const driver of this.#pending.keys()) this.back(driver);
    await Promise.all(this.#running);
  }

  #start(driver: string, abort: AbortController): void {
    const run = this.#wipe(driver, AbortSignal.any([this.#options.signal, abort.signal])).finally(() => {
      this.#running.delete(run);
      if (!abort.signal.aborted) this.#pending.delete(driver);
    });
    this.#running.add(run);
  }

  async #wipe(driver: string, signal: AbortSignal): Promise<void> {
    const fieldSelector = `spec.nodeName=${this.#options.nodeName}${driver === "" ? "" : `,spec.driver=${driver}`}`;
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        await this.#deps.client.deleteCollection(resourceSlices, { fieldSelector, signal });
        return;
      } catch (error) {
        this.#deps.log.debug("slices of devices are not taken back yet", { fieldSelector, error: errorText(error) });
      }
      await sleep(this.#deps.clock, retryMs, signal).catch(() => {});
      retryMs = Math.min(retryMs * 2, longestRetryMs);
    }
  }
}
