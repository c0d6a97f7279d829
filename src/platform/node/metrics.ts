import { collectDefaultMetrics, Registry } from "prom-client";
import type { LabelValues, Metrics } from "../../base/metrics.ts";
import { Tally } from "../../base/tally.ts";
import { numbersText, samplesText, talliesText } from "./metrics-text.ts";
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
 * Metrics that are shown in the order in which they are defined. A metric defined again under its name is the same metric; a live one
 * shows what was given last. PERF: numbers are kept in plain records, and written by ourselves: the library, which knows Node's own
 * figures, puts labels together and hashes them for each count, and again for each line that is shown.
 */
export function promMetrics(options: PromMetricsOptions = {}): PromMetrics {
  const ofProcess = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: ofProcess });
  /** What is shown, one text for each metric. */
  const texts: (() => string)[] = [];
  const defined = new Map<string, unknown>();
  const once = <T>(name: string, make: () => T): T => {
    if (!defined.has(name)) defined.set(name, make());
    return defined.get(name) as T;
  };
  const numbers = (name: string, help: string, type: "counter" | "gauge", labelNames: readonly string[]): Series<{ value: number }> => {
    const series = new Series(labelNames, () => ({ value: 0 }));
    texts.push(() => numbersText({ name, help, type }, series.entries()));
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
        texts.push(() => talliesText({ name, help, type: "histogram" }, series.entries()));
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
        texts.push(() => samplesText(metric, latest.samples()));
        return latest;
      });
      shown.samples = () => metric.samples();
    },
    async render() {
      const own = texts.map((text) => text());
      return (options.processMetrics === true ? [await ofProcess.metrics(), ...own] : own).join("\n");
    },
    contentType: ofProcess.contentType,
  };
}
