import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { notAfterMs } from "./certificate-end.ts";
import type { KeyPair, LeafOptions } from "./certificates.ts";
import { ensureLeaf, RENEW_MS } from "./pki.ts";

export type Leaf = Omit<LeafOptions, "days" | "nowMs">;

interface Kept {
  readonly directory: string;
  readonly name: string;
  readonly authority: KeyPair;
  readonly leaf: Leaf;
  pair: KeyPair;
}

/** A timer cannot wait for a month; and a machine may have slept. */
const LOOK_MS = 86_400_000;
const RETRY_MS = 600_000;
/** Authorities last for ten years and are not made anew: everybody trusts them. It is said in good time. */
const WARN_MS = 365 * 86_400_000;

/**
 * The certificates that a cluster issues for itself: kept in files, and made anew two months before they end, at the
 * start and while it runs. What `leaf` resolves always shows the newest.
 */
export class CertificateKeeper {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #kept: Kept[] = [];
  readonly #listeners = new Set<() => void | Promise<void>>();

  constructor(deps: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  async leaf(directory: string, name: string, authority: KeyPair, leaf: Leaf): Promise<KeyPair> {
    const pair = await ensureLeaf(directory, name, authority, { ...leaf, nowMs: this.#clock.now() });
    const kept: Kept = { directory, name, authority, leaf, pair };
    this.#kept.push(kept);
    // Own properties, so that a copy has what stands at that moment.
    return {
      get certificate() {
        return kept.pair.certificate;
      },
      get privateKey() {
        return kept.pair.privateKey;
      },
    };
  }

  /** Told after certificates have been made anew: who has copied one takes it again. */
  onRenewal(listener: () => void | Promise<void>): void {
    this.#listeners.add(listener);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let warned = false;
    while (!signal.aborted) {
      const isDone = await this.#renew();
      const end = Math.min(...this.#kept.map(({ authority }) => notAfterMs(authority.certificate) ?? Number.POSITIVE_INFINITY));
      if (!warned && end - this.#clock.now() < WARN_MS)
        this.#log.warn("the cluster's certificate authority ends within a year and is not renewed by itself", { end: new Date(end).toISOString() });
      warned ||= end - this.#clock.now() < WARN_MS;
      await sleep(this.#clock, isDone ? LOOK_MS : RETRY_MS, signal).catch(() => {});
    }
  }

  /** Resolves whether all are as they should be. */
  async #renew(): Promise<boolean> {
    let changed = false;
    let isDone = true;
    const nowMs = this.#clock.now();
    for (const kept of this.#kept) {
      if ((notAfterMs(kept.pair.certificate) ?? 0) >= nowMs + RENEW_MS) continue;
      try {
        const pair = await ensureLeaf(kept.directory, kept.name, kept.authority, { ...kept.leaf, nowMs });
        if (pair.certificate === kept.pair.certificate) continue;
        kept.pair = pair;
        changed = true;
        this.#log.info("certificate renewed", { name: kept.name });
      } catch (error) {
        isDone = false;
        this.#log.error("a certificate could not be renewed", { name: kept.name, error });
      }
    }
    if (!changed) return isDone;
    for (const listener of this.#listeners) {
      try {
        await listener();
      } catch (error) {
        isDone = false;
        this.#log.error("a renewed certificate could not be taken over", { error });
      }
    }
    return isDone;
  }
}
