import { exponentialBuckets, type Metrics } from "../../base/metrics.ts";

export type ScaleAction = "scale_up" | "scale_down" | "none";
/** Whose fault it is: the autoscaler's own specification, or something on the way. */
export type ScaleFault = "spec" | "internal" | "none";

const seconds = exponentialBuckets(0.001, 2, 15);

/** @upstream pkg/controller/podautoscaler/monitor/metrics.go */
export class HpaMetrics {
  readonly #rounds;
  readonly #roundSeconds;
  readonly #metrics;
  readonly #metricSeconds;

  constructor(metrics: Metrics, autoscalers: () => number) {
    const name = (suffix: string): string => `horizontal_pod_autoscaler_controller_${suffix}`;
    const round = ["action", "error"];
    const metric = [...round, "metric_type"];
    this.#rounds = metrics.counter(name("reconciliations_total"), "Looks at autoscalers, by what came of them", round);
    this.#roundSeconds = metrics.histogram(name("reconciliation_duration_seconds"), "How long a look at an autoscaler takes", seconds, round);
    this.#metrics = metrics.counter(name("metric_computation_total"), "Metrics asked for, by what they call for", metric);
    this.#metricSeconds = metrics.histogram(name("metric_computation_duration_seconds"), "How long it takes to learn what a metric calls for", seconds, metric);
    metrics.live({ name: name("num_horizontal_pod_autoscalers"), help: "Autoscalers", type: "gauge", samples: () => [{ labels: {}, value: autoscalers() }] });
  }

  reconciled(action: ScaleAction, fault: ScaleFault, took: number): void {
    const labels = [action, fault];
    this.#rounds.inc(labels);
    this.#roundSeconds.observe(took, labels);
  }

  computed(action: ScaleAction, fault: ScaleFault, metric: { readonly type: string; readonly seconds: number }): void {
    const labels = [action, fault, metric.type];
    this.#metrics.inc(labels);
    this.#metricSeconds.observe(metric.seconds, labels);
  }
}

export const actionOf = (current: number, desired: number): ScaleAction => (desired > current ? "scale_up" : desired < current ? "scale_down" : "none");
