import type { Node } from "../../api/generated/types/core-v1.ts";
import type { Readiness } from "./health.ts";

export type ZoneState = "Initial" | "Normal" | "PartialDisruption" | "FullDisruption";

export interface EvictionRates {
  /** Nodes per second that may be tainted NoExecute in a healthy zone. */
  readonly normal: number;
  /** In a large zone that is partly down. A small one stops altogether. */
  readonly reduced: number;
  /** A zone with more nodes than this is large. */
  readonly largeZone: number;
  /** The share of nodes that must be down for a zone to count as partly down. */
  readonly unhealthyShare: number;
}

/** Region and zone of a node, as one key. */
export function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}:\u0000:${zone}`;
}

/** @upstream pkg/controller/nodelifecycle ComputeZoneState */
export function zoneStateOf(ready: readonly Readiness[], rates: EvictionRates): ZoneState {
  const up = ready.filter((each) => each === "True").length;
  const down = ready.length - up;
  if (up === 0 && down > 0) return "FullDisruption";
  return down > 2 && down / ready.length >= rates.unhealthyShare ? "PartialDisruption" : "Normal";
}

/**
 * How fast each zone's nodes may be tainted. When all zones are down the fault is more likely ours: then nothing is
 * evicted at all. @upstream nodelifecycle handleDisruption
 */
export function evictionRates(zones: ReadonlyMap<string, { readonly state: ZoneState; readonly nodes: number }>, rates: EvictionRates): ReadonlyMap<string, number> {
  const allDown = zones.size > 0 && [...zones.values()].every(({ state }) => state === "FullDisruption");
  const result = new Map<string, number>();
  for (const [zone, { state, nodes }] of zones) {
    if (allDown) result.set(zone, 0);
    else if (state === "PartialDisruption") result.set(zone, nodes > rates.largeZone ? rates.reduced : 0);
    else result.set(zone, rates.normal);
  }
  return result;
}

/** Nodes of one zone that wait to be tainted, and when the next may be. */
export class ZoneQueue {
  readonly #nodes = new Set<string>();
  #nextMs = 0;
  perSecond: number;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  add(node: string): void {
    this.#nodes.add(node);
  }

  delete(node: string): void {
    this.#nodes.delete(node);
  }

  clear(): void {
    this.#nodes.clear();
  }

  /** The next node if one may go now. */
  take(nowMs: number): string | undefined {
    const [node] = this.#nodes;
    if (node === undefined || this.perSecond <= 0 || nowMs < this.#nextMs) return undefined;
    this.#nodes.delete(node);
    this.#nextMs = nowMs + 1000 / this.perSecond;
    return node;
  }

  /** Milliseconds until take may give something; undefined when nothing waits or may go. */
  waitMs(nowMs: number): number | undefined {
    if (this.#nodes.size === 0 || this.perSecond <= 0) return undefined;
    return Math.max(0, this.#nextMs - nowMs);
  }
}
