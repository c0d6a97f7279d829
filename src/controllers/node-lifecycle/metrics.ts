import { exponentialBuckets, type Metrics } from "../../base/metrics.ts";
import type { Readiness } from "./health.ts";

/** @upstream pkg/controller/nodelifecycle/metrics.go */
export class NodeMetrics {
  readonly #health;
  readonly #size;
  readonly #unhealthy;
  readonly #evictions;
  readonly #one;
  readonly #all;
  /** Zones that were shown before. */
  #zones: ReadonlySet<string> = new Set();

  constructor(metrics: Metrics) {
    this.#health = metrics.gauge("node_collector_zone_health", "Percentage of ready nodes by zone", ["zone"]);
    this.#size = metrics.gauge("node_collector_zone_size", "Nodes by zone", ["zone"]);
    this.#unhealthy = metrics.gauge("node_collector_unhealthy_nodes_in_zone", "Nodes that are not ready, by zone", ["zone"]);
    this.#evictions = metrics.counter("node_collector_evictions_total", "Nodes whose pods have to go, by zone", ["zone"]);
    this.#one = metrics.histogram("node_collector_update_node_health_duration_seconds", "How long judging one node takes", exponentialBuckets(0.001, 4, 8));
    this.#all = metrics.histogram("node_collector_update_all_nodes_health_duration_seconds", "How long judging all nodes takes", exponentialBuckets(0.01, 4, 8));
  }

  weighed(zones: ReadonlyMap<string, readonly Readiness[]>): void {
    for (const [zone, nodes] of zones) {
      const ready = nodes.filter((each) => each === "True").length;
      this.#show(zone, nodes.length, ready);
    }
    for (const zone of this.#zones) if (!zones.has(zone)) this.#show(zone, 0, 0);
    this.#zones = new Set(zones.keys());
  }

  #show(zone: string, size: number, ready: number): void {
    const labels = [zone];
    this.#size.set(size, labels);
    this.#health.set(size === 0 ? 100 : (100 * ready) / size, labels);
    this.#unhealthy.set(size - ready, labels);
  }

  evicted(zone: string): void {
    this.#evictions.inc([zone]);
  }

  judged(seconds: number): void {
    this.#one.observe(seconds);
  }

  judgedAll(seconds: number): void {
    this.#all.observe(seconds);
  }
}
