const GROWTH = 4;
/** Owners whose pace is remembered; one more lets the one not used for longest go. */
const MAX_PACES = 1_000;

/**
 * The sizes of the batches in which `count` pods are made: 1, 4, 16 … so that a hopeless template fails only once.
 * `first`: where it went well before. Upstream doubles. PERF: each batch waits for the disk.
 */
export function* slowStartBatches(count: number, first = 1): Generator<number> {
  let size = first;
  for (let left = count; left > 0; size *= GROWTH) {
    const batch = Math.min(size, left);
    yield batch;
    left -= batch;
  }
}

/** How large the next batch of each owner may be, as long as nothing fails and there is more to make. */
export class Paces {
  /** Oldest use first. */
  readonly #sizes = new Map<string, number>();

  of(owner: string): number {
    return this.#sizes.get(owner) ?? 1;
  }

  /** A batch went well. */
  reached(owner: string, size: number): void {
    const largest = Math.max(size * GROWTH, this.of(owner));
    this.#sizes.delete(owner);
    if (this.#sizes.size >= MAX_PACES) {
      const oldest = this.#sizes.keys().next();
      if (oldest.done !== true) this.#sizes.delete(oldest.value);
    }
    this.#sizes.set(owner, largest);
  }

  /** Something failed, or all that was wanted is there. */
  forget(owner: string): void {
    this.#sizes.delete(owner);
  }
}
