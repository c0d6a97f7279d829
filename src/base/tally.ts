import type { Sample } from "./metrics.ts";

/** A histogram of numbers: how many values were at most each bound, and above the last. */
export class Tally {
  readonly bounds: readonly number[];
  /** One for each bound, and one for what is above them all. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** How many values were observed. */
  get total(): number {
    return this.counts.reduce((total, count) => total + count, 0);
  }

  get isEmpty(): boolean {
    return this.counts.every((count) => count === 0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
    counts[index] = (counts[index] ?? 0) + 1;
    this.sum += value;
  }

  /** As a histogram of Prometheus is shown: each bucket counts those below it too. */
  *samples(labels: Sample["labels"]): Generator<Sample> {
    let total = 0;
    for (const [index, count] of this.counts.entries()) {
      total += count;
      yield { labels: { ...labels, le: String(this.bounds[index] ?? "+Inf") }, value: total, series: "bucket" };
    }
    yield { labels, value: this.sum, series: "sum" };
    yield { labels, value: total, series: "count" };
  }
}
