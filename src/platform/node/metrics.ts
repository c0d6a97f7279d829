import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from "prom-client";
import type { LabelValues, LiveMetric, Metrics } from "../../base/metrics.ts";

export interface PromMetricsOptions {
  /** Adds Node's own figures (`process_*`, `nodejs_*`). */
  readonly processMetrics?: boolean;
}

/** Metrics that can be shown. */
export interface PromMetrics extends Metrics {
  /** Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Metrics in a registry of their own. A metric defined again under its name is the same metric. */
export function promMetrics(options: PromMetricsOptions = {}): PromMetrics {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const defined = new Map<string, unknown>();
  const once = <T>(name: string, make: () => T): T => {
    if (!defined.has(name)) defined.set(name, make());
    return defined.get(name) as T;
  };
  return {
    counter: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Counter({ name, help, labelNames, registers: [registry] });
        const child = perLabels((values) => metric.labels(...values));
        return { inc: (labels: LabelValues = [], by = 1) => child(labels).inc(by) };
      }),
    gauge: (name, help, labelNames = []) =>
      once(name, () => {
        const metric = new Gauge({ name, help, labelNames, registers: [registry] });
        const child = perLabels((values) => metric.labels(...values));
        return {
          set: (value: number, labels: LabelValues = []) => child(labels).set(value),
          add: (by: number, labels: LabelValues = []) => child(labels).inc(by),
        };
      }),
    histogram: (name, help, buckets, labelNames = []) =>
      once(name, () => {
        const metric = new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [registry] });
        const child = perLabels((values) => metric.labels(...values));
        return { observe: (value: number, labels: LabelValues = []) => child(labels).observe(value) };
      }),
    live: (metric) => {
      once(metric.name, () => registry.registerMetric(liveMetric(metric)));
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** PERF: keeps the child of each set of label values; there are as many as the metric itself holds. */
function perLabels<T>(make: (values: string[]) => T): (values: LabelValues) => T {
  const children = new Map<string, T>();
  return (values) => {
    const key = values.join("\u0000");
    const known = children.get(key);
    if (known !== undefined) return known;
    const made = make([...values]);
    children.set(key, made);
    return made;
  };
}

/** What the registry asks of a metric: its name, and its numbers when it is shown. */
function liveMetric({ name, help, type, samples }: LiveMetric): Metric {
  const get = (): unknown => ({
    name,
    help,
    type,
    aggregator: "sum",
    values: [...samples()].map(({ labels, value, series }) => ({ labels, value, metricName: series === undefined ? name : `${name}_${series}` })),
  });
  return { name, get, reset() {} } as unknown as Metric;
}
