import type { LiveMetric, Sample } from "../../base/metrics.ts";
import type { ProbeAnswer, ProbeKind } from "./probe-result.ts";

/** Which probe of which container. */
export interface ProbedContainer {
  readonly kind: ProbeKind;
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly podUid: string;
}

/** The answers of one probe, until it is closed. */
export interface ProbeSeries {
  count(outcome: ProbeAnswer["outcome"], tookMs: number): void;
  close(): void;
}

const results = { success: "successful", warning: "successful", failure: "failed", unknown: "unknown" } as const;
const boundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

class Series implements ProbeSeries {
  readonly of: ProbedContainer;
  readonly counts = new Map<string, number>();
  /** How many took at most as long as each bound. */
  readonly within = boundsSeconds.map(() => 0);
  sumSeconds = 0;
  readonly #close: () => void;

  constructor(of: ProbedContainer, close: () => void) {
    this.of = of;
    this.#close = close;
  }

  count(outcome: ProbeAnswer["outcome"], tookMs: number): void {
    const result = results[outcome];
    this.counts.set(result, (this.counts.get(result) ?? 0) + 1);
    if (result !== "successful") return;
    const seconds = tookMs / 1000;
    this.sumSeconds += seconds;
    for (const [index, bound] of boundsSeconds.entries()) if (seconds <= bound) this.within[index] = (this.within[index] ?? 0) + 1;
  }

  close(): void {
    this.#close();
  }
}

/** What the node's probes answered, for as long as they run: `/metrics/probes`. @upstream pkg/kubelet/prober/prober_manager.go */
export class ProbeTally {
  readonly #open = new Set<Series>();

  open(of: ProbedContainer): ProbeSeries {
    const series: Series = new Series(of, () => this.#open.delete(series));
    this.#open.add(series);
    return series;
  }

  readonly metrics: readonly LiveMetric[] = [
    { name: "prober_probe_total", help: "How often a probe of a container answered what", type: "counter", samples: () => this.#totals() },
    { name: "prober_probe_duration_seconds", help: "How long a probe of a container took that succeeded, in seconds", type: "histogram", samples: () => this.#durations() },
  ];

  *#totals(): Iterable<Sample> {
    for (const { of, counts } of this.#open)
      for (const [result, value] of counts)
        yield { labels: { container: of.container, namespace: of.namespace, pod: of.pod, pod_uid: of.podUid, probe_type: of.kind, result }, value };
  }

  *#durations(): Iterable<Sample> {
    for (const { of, counts, within, sumSeconds } of this.#open) {
      const labels = { container: of.container, namespace: of.namespace, pod: of.pod, probe_type: of.kind };
      const count = counts.get("successful");
      if (count === undefined) continue;
      for (const [index, bound] of boundsSeconds.entries()) yield { labels: { ...labels, le: String(bound) }, value: within[index] ?? 0, series: "bucket" };
      yield { labels: { ...labels, le: "+Inf" }, value: count, series: "bucket" };
      yield { labels, value: sumSeconds, series: "sum" };
      yield { labels, value: count, series: "count" };
    }
  }
}
