import type { ContainerStats } from "../../cri/generated/cri-v1.ts";

interface Sample {
  readonly atMs: number;
  readonly nanoseconds: number;
}

/** Turns counters of CPU time into rates, for runtimes that tell the counters only. */
export class CpuRates {
  #samples = new Map<string, { readonly sample: Sample; readonly rate: number | undefined }>();
  readonly #shortestMs: number;

  /** Samples closer than this are taken for one. */
  constructor(options: { readonly shortestMs: number }) {
    this.#shortestMs = options.shortestMs;
  }

  /** Billionths of a CPU; undefined until there are two samples. */
  rate(key: string, sample: Sample): number | undefined {
    const known = this.#samples.get(key);
    if (known !== undefined && sample.atMs - known.sample.atMs < this.#shortestMs) return known.rate;
    const rate = known === undefined ? undefined : Math.max(0, Math.round(((sample.nanoseconds - known.sample.nanoseconds) / (sample.atMs - known.sample.atMs)) * 1000));
    this.#samples.set(key, { sample, rate });
    return rate;
  }

  /** The statistics with a rate for each container that tells none. */
  withRates(stats: readonly ContainerStats[]): readonly ContainerStats[] {
    const ids = new Set(stats.map(({ attributes }) => attributes?.id));
    for (const key of this.#samples.keys()) if (key !== "" && !ids.has(key)) this.#samples.delete(key);
    return stats.map((each) => {
      const nanoseconds = each.cpu?.usageCoreNanoSeconds?.value;
      if (nanoseconds === undefined || each.cpu?.usageNanoCores?.value !== undefined) return each;
      const rate = this.rate(each.attributes?.id ?? "?", { atMs: (each.cpu?.timestamp ?? 0) / 1e6, nanoseconds });
      return rate === undefined ? each : { ...each, cpu: { ...each.cpu, usageNanoCores: { value: rate } } };
    });
  }
}
