/** Completion indexes as ordered, disjoint, inclusive intervals: `[[0, 2], [5, 5]]`, written `0-2,5`. */
export class IndexSet {
  readonly #intervals: readonly (readonly [number, number])[];

  private constructor(intervals: readonly (readonly [number, number])[]) {
    this.#intervals = intervals;
  }

  static readonly empty = new IndexSet([]);

  /** Anything that cannot be read, or lies at or beyond `limit`, is left out. */
  static parse(text: string | undefined, limit: number): IndexSet {
    const indexes: (readonly [number, number])[] = [];
    for (const part of (text ?? "").split(",")) {
      const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);
      if (match === null) continue;
      const first = Number(match[1]);
      const last = Math.min(match[2] === undefined ? first : Number(match[2]), limit - 1);
      if (first <= last) indexes.push([first, last]);
    }
    return new IndexSet(merge(indexes));
  }

  static of(indexes: Iterable<number>): IndexSet {
    return new IndexSet(merge([...indexes].map((index) => [index, index] as const)));
  }

  get size(): number {
    return this.#intervals.reduce((total, [first, last]) => total + last - first + 1, 0);
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#intervals[middle]?.[1] ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    return (this.#intervals[low]?.[0] ?? Number.POSITIVE_INFINITY) <= index;
  }

  union(other: IndexSet): IndexSet {
    return new IndexSet(merge([...this.#intervals, ...other.#intervals]));
  }

  /** How many indexes both have. */
  overlap(other: IndexSet): number {
    let total = 0;
    for (const [first, last] of this.#intervals) {
      for (const [from, to] of other.#intervals) total += Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
    }
    return total;
  }

  toString(): string {
    // As upstream: two neighbours are listed, three or more are a range.
    return this.#intervals.map(([first, last]) => (first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`)).join(",");
  }
}

function merge(intervals: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
