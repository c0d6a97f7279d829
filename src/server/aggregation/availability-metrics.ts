import type { Metrics } from "../../base/metrics.ts";
import type { Finding } from "./check-service.ts";

/** @upstream kube-aggregator/pkg/controllers/status/metrics/metrics.go */
export class AvailabilityMetrics {
  readonly #gauge;
  readonly #counter;

  constructor(metrics: Metrics) {
    this.#gauge = metrics.gauge("aggregator_unavailable_apiservice", "APIServices that are not available", ["name"]);
    this.#counter = metrics.counter("aggregator_unavailable_apiservice_total", "How often an APIService was found to be not available, by reason", ["name", "reason"]);
  }

  found(name: string, { status, reason }: Finding, wasAvailable: boolean): void {
    this.#gauge.set(status === "True" ? 0 : 1, [name]);
    if (status !== "True" && wasAvailable) this.#counter.inc([name, reason]);
  }

  forget(name: string): void {
    this.#gauge.set(0, [name]);
  }
}
