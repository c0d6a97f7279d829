import type { Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { exponentialBuckets, type Metrics } from "../../base/metrics.ts";
import { Tally } from "../../base/tally.ts";
import type { SlicePlan } from "../service-endpoints/slice-plan.ts";
import { managedBy, managedByLabel, serviceNameLabel } from "./plan.ts";

const operations = ["create", "update", "delete"] as const;
/** Prometheus' own bounds. */
const changedBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface SliceMetricsOptions {
  readonly maxPerSlice: number;
  /** What there is when metrics are shown. */
  slices(): Iterable<EndpointSlice>;
  services(): Iterable<Service>;
}

/** Numbers are kept plain until they are shown. @upstream pkg/controller/endpointslice/metrics/metrics.go */
export class SliceMetrics {
  readonly #syncs = { success: 0, error: 0, stale: 0 };
  readonly #changes = { create: 0, update: 0, delete: 0 };
  readonly #changedPerSync = new Tally(changedBounds);
  readonly #added;
  readonly #removed;

  constructor(options: SliceMetricsOptions, metrics: Metrics) {
    const name = (suffix: string): string => `endpoint_slice_controller_${suffix}`;
    const gauge = (suffix: string, help: string, value: () => number): void =>
      metrics.live({ name: name(suffix), help, type: "gauge", samples: () => [{ labels: {}, value: value() }] });
    this.#added = metrics.histogram(name("endpoints_added_per_sync"), "Endpoints that came at one look at a service", exponentialBuckets(2, 2, 15));
    this.#removed = metrics.histogram(name("endpoints_removed_per_sync"), "Endpoints that went at one look at a service", exponentialBuckets(2, 2, 15));
    gauge("num_endpoint_slices", "EndpointSlices of services with a selector", () => ours(options.slices()).length);
    gauge("endpoints_desired", "Endpoints in them", () => ours(options.slices()).reduce((total, { endpoints = [] }) => total + (endpoints ?? []).length, 0));
    gauge("desired_endpoint_slices", "EndpointSlices there would be, were all as full as they may", () => fewestSlices(ours(options.slices()), options.maxPerSlice));
    metrics.live({
      name: name("changes"),
      help: "EndpointSlices made, changed and deleted",
      type: "counter",
      samples: () => operations.map((operation) => ({ labels: { operation }, value: this.#changes[operation] })),
    });
    metrics.live({
      name: name("syncs"),
      help: "Services looked at",
      type: "counter",
      samples: () => Object.entries(this.#syncs).map(([result, value]) => ({ labels: { result }, value })),
    });
    metrics.live({
      name: name("endpointslices_changed_per_sync"),
      help: "EndpointSlices changed at one look at a service",
      type: "histogram",
      samples: () => this.#changedPerSync.samples({ topology: "Disabled", traffic_distribution: "" }),
    });
    metrics.live({
      name: name("services_count_by_traffic_distribution"),
      help: "Services that say how their traffic is to be spread",
      type: "gauge",
      samples: () => Array.from(countDistributions(options.services()), ([distribution, value]) => ({ labels: { traffic_distribution: distribution }, value })),
    });
  }

  synced(result: "success" | "error" | "stale"): void {
    this.#syncs[result] += 1;
  }

  /** `before`: the service's slices. */
  applied({ create, update, remove }: SlicePlan, before: readonly EndpointSlice[]): void {
    this.#changes.create += create.length;
    this.#changes.update += update.length;
    this.#changes.delete += remove.length;
    this.#changedPerSync.observe(create.length + update.length + remove.length);
    if (create.length + update.length + remove.length === 0) {
      this.#added.observe(0);
      this.#removed.observe(0);
      return;
    }
    const replaced = new Set([...update, ...remove].map(({ metadata }) => metadata.name));
    const old = addressesOf(before.filter(({ metadata }) => replaced.has(metadata.name)));
    const next = addressesOf([...create, ...update]);
    this.#added.observe([...next].filter((address) => !old.has(address)).length);
    this.#removed.observe([...old].filter((address) => !next.has(address)).length);
  }
}

function addressesOf(slices: readonly Pick<EndpointSlice, "endpoints">[]): ReadonlySet<string> {
  return new Set(slices.flatMap(({ endpoints }) => (endpoints ?? []).map(({ addresses }) => addresses.join())));
}

function ours(slices: Iterable<EndpointSlice>): readonly EndpointSlice[] {
  return [...slices].filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy);
}

/** Endpoints share a slice when they are of one service, family and list of ports. */
function fewestSlices(slices: readonly EndpointSlice[], maxPerSlice: number): number {
  const groups = new Map<string, number>();
  for (const { metadata, addressType, endpoints, ports } of slices) {
    const open = (ports ?? []).map(({ name = "", port = 0, protocol = "" }) => `${name}:${port}:${protocol}`).join();
    const key = `${metadata.namespace ?? ""}/${metadata.labels?.[serviceNameLabel] ?? ""} ${addressType} ${open}`;
    groups.set(key, (groups.get(key) ?? 0) + (endpoints ?? []).length);
  }
  // One without endpoints stays for want of others.
  return [...groups.values()].reduce((total, count) => total + Math.max(1, Math.ceil(count / maxPerSlice)), 0);
}

function countDistributions(services: Iterable<Service>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { spec } of services) {
    const distribution = spec?.trafficDistribution;
    if (distribution !== undefined) counts.set(distribution, (counts.get(distribution) ?? 0) + 1);
  }
  return counts;
}
