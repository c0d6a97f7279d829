import { endpointSlices, services } from "../../api/generated/resources.ts";
import type { Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Informer, InformerFactory } from "../../client/informer.ts";
import type { Processes } from "../../platform/processes.ts";
import { SlicesByService } from "../slices-by-service.ts";
import { RuleBook } from "./incremental.ts";
import { Nft } from "./nft.ts";
import { baseRules } from "./ruleset.ts";
import { planService, type ServicePortPlan } from "./service-map.ts";
import { serviceRules } from "./service-rules.ts";
import { staleConnections } from "./stale-connections.ts";
import { type SyncMetrics, syncMetrics } from "./sync-metrics.ts";
import { waker } from "./waker.ts";

export interface ServiceProxyOptions {
  readonly nodeName: string;
  /** The node's own IPv4 addresses, on which node ports answer. */
  readonly nodeIps: readonly string[];
  /** All pods' range, `10.244.0.0/16`. */
  readonly clusterCidr: string;
  /** Name of the nftables table, which belongs to this proxy alone; `keles`. */
  readonly table?: string;
}

export interface ServiceProxyDeps {
  /** Run by whoever made it. */
  readonly informers: InformerFactory;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export const defaultProxyTable = "keles";
/** Not earlier than this after the last one; a first change after a calm is written at once. */
const minIntervalMs = 50;
const rewriteEveryMs = 5 * 60_000;
const firstRetryMs = 250;
const mostRetryMs = 30_000;
/** Commands kept while nftables refuses the rules; entries beyond them end by their own timeout. */
const mostStale = 2_000;
/** Base rules sort before every `ns/name`. */
const baseOwner = "";

/** Keeps this node's nftables as the cluster's services and endpoints want them. */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #deps: ServiceProxyDeps;
  readonly #nft: Nft;
  readonly #metrics: SyncMetrics;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #byService = new SlicesByService();
  readonly #rules: RuleBook;
  readonly #plans = new Map<string, readonly ServicePortPlan[]>();
  readonly #dirty = new Set<string>();
  readonly #waker: ReturnType<typeof waker>;
  /** Waits for the rules that make it stale to be written. */
  #stale: (readonly string[])[] = [];
  #synced = false;

  constructor(options: ServiceProxyOptions, deps: ServiceProxyDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#nft = new Nft(deps);
    this.#metrics = syncMetrics(deps.metrics);
    this.#services = deps.informers.informer(services);
    this.#slices = deps.informers.informer(endpointSlices);
    this.#rules = new RuleBook({ table: `ip ${options.table ?? defaultProxyTable}` });
    this.#waker = waker(deps.clock);
  }

  /** Whether the rules have been written at least once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Until the signal aborts. The rules stay in the kernel then: connections survive a restart; see removeProxyRules. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = [this.#followServices(), this.#followSlices()];
    try {
      await Promise.all([this.#services.waitForSync(signal), this.#slices.waitForSync(signal)]);
      this.#rules.put(baseOwner, baseRules(this.#options));
      await this.#keepSynced(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const leave of unsubscribe) leave();
    }
  }

  async #keepSynced(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    let mode: "replace" | "rewrite" | "change" = "replace";
    let retryMs = firstRetryMs;
    let rewriteAt = 0;
    for (;;) {
      const startedAt = clock.now();
      try {
        await this.#sync(mode, signal);
        if (mode !== "change") rewriteAt = startedAt + rewriteEveryMs;
        mode = "change";
        retryMs = firstRetryMs;
        await this.#waker.pause(startedAt + minIntervalMs - clock.now(), signal);
        if (this.#dirty.size === 0) await this.#waker.wait(rewriteAt - clock.now(), signal);
        if (clock.now() >= rewriteAt) mode = "rewrite";
      } catch (error) {
        if (signal.aborted) throw error;
        this.#metrics.failures.inc();
        log.error("service rules not written", { error: error instanceof Error ? error.message : String(error), retryMs });
        mode = "replace";
        await this.#waker.pause(retryMs, signal);
        retryMs = Math.min(mostRetryMs, retryMs * 2);
      }
    }
  }

  async #sync(mode: "replace" | "rewrite" | "change", signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const startedAt = clock.now();
    for (const key of this.#dirty) this.#stale.push(...this.#plan(key));
    this.#stale.splice(mostStale);
    this.#dirty.clear();
    const script = mode === "replace" ? this.#rules.replacement() : mode === "rewrite" ? this.#rules.refreshment() : this.#rules.changes();
    if (script !== "") await this.#nft.apply(script, signal);
    this.#rules.confirm();
    this.#synced = true;
    const seconds = (clock.now() - startedAt) / 1000;
    this.#metrics.duration.observe(seconds);
    (mode === "change" ? this.#metrics.partialDuration : this.#metrics.fullDuration).observe(seconds);
    this.#metrics.lastTimestamp.set(clock.now() / 1000);
    await this.#forgetStale(signal);
  }

  /** Takes a service's present state into the rule book; returns what connection tracking must forget. */
  #plan(key: string): readonly (readonly string[])[] {
    const service = this.#services.lister.get(key);
    const before = this.#plans.get(key) ?? [];
    const after = service === undefined ? [] : planService(service, this.#byService.of(key), this.#options.nodeName);
    if (after.length === 0) this.#plans.delete(key);
    else this.#plans.set(key, after);
    this.#rules.put(key, after.length === 0 ? undefined : serviceRules(after, this.#options));
    return staleConnections(before, after);
  }

  async #forgetStale(signal: AbortSignal): Promise<void> {
    const stale = this.#stale;
    this.#stale = [];
    if (stale.length === 0) return;
    const conntrack = await this.#deps.processes.find("conntrack", ["/usr/sbin", "/sbin"]);
    if (conntrack === undefined) {
      this.#deps.log.warn("conntrack is missing: UDP clients may keep talking to gone endpoints");
      return;
    }
    // Exit code 1 means that there was no such entry.
    for (const args of stale) await this.#deps.processes.run(conntrack, args, { timeoutMs: 5_000, signal });
  }

  #followServices(): () => void {
    const touch = ({ metadata }: Service): void => {
      this.#metrics.serviceChanges.inc();
      this.#touch(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`);
    };
    return this.#services.subscribe({ added: touch, updated: (_, service) => touch(service), deleted: touch });
  }

  #followSlices(): () => void {
    const touch = (keys: readonly string[]): void => {
      this.#metrics.endpointChanges.inc();
      for (const key of keys) this.#touch(key);
    };
    return this.#slices.subscribe({
      added: (slice) => touch(this.#byService.put(slice)),
      updated: (previous, slice) => touch(this.#byService.put(slice, previous)),
      deleted: (slice) => touch(this.#byService.remove(slice)),
    });
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    this.#metrics.lastQueued.set(this.#deps.clock.now() / 1000);
    this.#waker.wake();
  }
}
