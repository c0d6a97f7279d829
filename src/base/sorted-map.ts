// PERF: blocks of at most 512 keys keep an insert to a short memmove however large the map is.
const BLOCK = 512;

/**
 * A map from strings, iterated in code-unit order. Keys stand in blocks: `[["a","b"],["c"]]`; values in a Map beside
 * them, so that get and overwrite cost one hash look-up.
 */
export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  readonly #blocks: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: V): void {
    const { size } = this.#values;
    this.#values.set(key, value);
    if (this.#values.size === size) return;
    const blocks = this.#blocks;
    const last = blocks[blocks.length - 1];
    // PERF: keys often come in order.
    if (last === undefined || (last[last.length - 1] as string) < key) {
      if (last !== undefined && last.length < BLOCK) last.push(key);
      else blocks.push([key]);
      return;
    }
    const at = this.#blockOf(key);
    const block = blocks[at] as string[];
    block.splice(lowerBound(block, key), 0, key);
    if (block.length > BLOCK) blocks.splice(at + 1, 0, block.splice(BLOCK >> 1));
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    if (block !== undefined) {
      block.splice(lowerBound(block, key), 1);
      if (block.length === 0) this.#blocks.splice(at, 1);
    }
    return true;
  }

  clear(): void {
    this.#values.clear();
    this.#blocks.length = 0;
  }

  /** Entries with `from <= key < to` in order. Do not change the map while iterating. */
  *range(from: string, to?: string): IterableIterator<[string, V]> {
    const blocks = this.#blocks;
    let at = this.#blockOf(from);
    let index = at < blocks.length ? lowerBound(blocks[at] as string[], from) : 0;
    for (; at < blocks.length; at += 1, index = 0) {
      const block = blocks[at] as string[];
      for (; index < block.length; index += 1) {
        const key = block[index] as string;
        if (to !== undefined && key >= to) return;
        yield [key, this.#values.get(key) as V];
      }
    }
  }

  /**
   * Shows the values with `from <= key < to` in order, until `visit` answers false; it must not change the map.
   * PERF: no iterator, no pair for each, and one comparison for a whole block.
   */
  each(from: string, to: string | undefined, visit: (value: V) => boolean): void {
    const blocks = this.#blocks;
    let at = this.#blockOf(from);
    let index = at < blocks.length ? lowerBound(blocks[at] as string[], from) : 0;
    for (; at < blocks.length; at += 1, index = 0) {
      const block = blocks[at] as string[];
      const isWhole = to === undefined || (block[block.length - 1] as string) < to;
      const end = isWhole ? block.length : lowerBound(block, to);
      for (; index < end; index += 1) if (!visit(this.#values.get(block[index] as string) as V)) return;
      if (!isWhole) return;
    }
  }

  entries(): IterableIterator<[string, V]> {
    return this.range("");
  }

  /** The first block whose last key is not below `key`. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle] as string[];
      if ((block[block.length - 1] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest string above every string that starts with `prefix`. */
export function prefixEnd(prefix: string): string | undefined {
  for (let index = prefix.length - 1; index >= 0; index -= 1) {
    const code = prefix.charCodeAt(index);
    if (code < 0xffff) return prefix.slice(0, index) + String.fromCharCode(code + 1);
  }
  return undefined;
}
