const firstMs = 500;
const longestMs = 122_000;

/** Doubling waits per matter: 0.5 s, 1 s … 2 min 2 s. */
export class Retry {
  readonly #delays = new Map<string, number>();

  next(): number {
    return this.nextOf("");
  }

  nextOf(matter: string): number {
    const delay = Math.min((this.#delays.get(matter) ?? firstMs / 2) * 2, longestMs);
    this.#delays.set(matter, delay);
    return delay;
  }

  reset(matter = ""): void {
    this.#delays.delete(matter);
  }
}
