import type { Labels } from "../../meta/label-selector.ts";

/**
 * Things that select labels, found by labels: `{"app=web" => things that want app=web}`, and those that want no label
 * in particular. A thing is filed once.
 */
export class PairIndex<T> {
  readonly #buckets = new Map<string, Set<T>>();
  readonly #loose = new Set<T>();

  get isEmpty(): boolean {
    return this.#buckets.size === 0 && this.#loose.size === 0;
  }

  add(pair: string | undefined, item: T): void {
    if (pair === undefined) {
      this.#loose.add(item);
      return;
    }
    const bucket = this.#buckets.get(pair);
    if (bucket === undefined) this.#buckets.set(pair, new Set([item]));
    else bucket.add(item);
  }

  delete(pair: string | undefined, item: T): void {
    if (pair === undefined) {
      this.#loose.delete(item);
      return;
    }
    const bucket = this.#buckets.get(pair);
    if (bucket?.delete(item) === true && bucket.size === 0) this.#buckets.delete(pair);
  }

  /** Calls `use` with everything that may select these labels; it must look for itself. */
  each(labels: Labels, use: (item: T) => void): void {
    for (const item of this.#loose) use(item);
    if (this.#buckets.size === 0) return;
    for (const key in labels) {
      const bucket = this.#buckets.get(`${key}=${labels[key] ?? ""}`);
      if (bucket !== undefined) for (const item of bucket) use(item);
    }
  }
}
