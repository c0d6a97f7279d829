const firstMs = 500;
const longestMs = 15_000;

/** Doubling waits per matter: 0.5 s, 1 s … 15 s. */
export class Retry {
  readonly #delays = new Map<string, number>();

  next(matter = ""): number {
    const delay = Math.min((this.#delays.get(matter) ?? firstMs / 2) * 2, longestMs);
    this.#delays.set(matter, delay);
    return delay;
  }

  reset(matter = ""): void {
    this.#delays.delete(matter);
  }
}
