import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { LabelValues, LiveMetric, Metrics, Sample } from "../../base/metrics.ts";
import { Tally } from "../../base/tally.ts";
import { Series } from "./series.ts";

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

/**
 * Metrics in a registry of their own. A metric defined again under its name is the same metric; a live one shows what was
 * given last. PERF: numbers are kept in
 * plain records and given to the registry when it is shown; its own metrics put labels together and hash them for each count.
 */
export function promMetrics(options: PromMetricsOptions = {}): PromMetrics {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const defined = new Map<string, unknown>();
  const once = <T>(name: string, make: () => T): T => {
    if (!defined.has(name)) defined.set(name, make());
    return defined.get(name) as T;
  };
  const numbers = (name: string, help: string, type: "counter" | "gauge", labelNames: readonly string[]): Series<{ value: number }> => {
    const series = new Series(labelNames, () => ({ value: 0 }));
    registry.registerMetric(liveMetric({ name, help, type, samples: () => samplesOf(series) }));
    return series;
  };
  return {
    counter: (name, help, labelNames = []) =>
      once(name, () => {
        const series = numbers(name, help, "counter", labelNames);
        return {
          inc(labels: LabelValues = [], by = 1) {
            if (!(by >= 0)) throw new RangeError(`${name} only counts up, not by ${by}`);
            series.at(labels).value += by;
          },
        };
      }),
    gauge: (name, help, labelNames = []) =>
      once(name, () => {
        const series = numbers(name, help, "gauge", labelNames);
        return {
          set(value: number, labels: LabelValues = []) {
            series.at(labels).value = value;
          },
          add(by: number, labels: LabelValues = []) {
            series.at(labels).value += by;
          },
        };
      }),
    histogram: (name, help, buckets, labelNames = []) =>
      once(name, () => {
        const bounds = [...buckets];
        const series = new Series(labelNames, () => new Tally(bounds));
        registry.registerMetric(liveMetric({ name, help, type: "histogram", samples: () => [...series.entries()].flatMap(([labels, tally]) => [...tally.samples(labels)]) }));
        return {
          observe(value: number, labels: LabelValues = []) {
            if (!Number.isFinite(value)) throw new RangeError(`${name} cannot take ${value}`);
            series.at(labels).observe(value);
          },
        };
      }),
    live: (metric) => {
      // Who is started anew brings its numbers with it.
      const shown = once(metric.name, () => {
        const latest = { samples: metric.samples };
        registry.registerMetric(liveMetric({ ...metric, samples: () => latest.samples() }));
        return latest;
      });
      shown.samples = () => metric.samples();
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function samplesOf(series: Series<{ readonly value: number }>): Sample[] {
  return Array.from(series.entries(), ([labels, { value }]) => ({ labels, value }));
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
