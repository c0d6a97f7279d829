/** Labels of one sample, in the order of the metric's label names. */
export type LabelValues = readonly string[];

export interface Counter {
  inc(labels?: LabelValues, by?: number): void;
}
export interface Gauge {
  set(value: number, labels?: LabelValues): void;
  add(by: number, labels?: LabelValues): void;
}
export interface Histogram {
  observe(value: number, labels?: LabelValues): void;
}

/** One number of a live metric. */
export interface Sample {
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
  /** Of a histogram: which of its series. */
  readonly series?: "bucket" | "sum" | "count";
}

/** A metric whose numbers its owner keeps: they are read when metrics are shown, and cost nothing on the way. */
export interface LiveMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<Sample>;
}

/** Where metrics are defined, beside their owner, with the unit in the name. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram;
  live(metric: LiveMetric): void;
}

/** Upper bounds of a histogram: `count` of them, the first `start`, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, power) => start * factor ** power);
}

/** Counts nothing; for tests and tools. */
export const noMetrics: Metrics = {
  counter: () => ({ inc() {} }),
  gauge: () => ({ set() {}, add() {} }),
  histogram: () => ({ observe() {} }),
  live() {},
};
