/**
 * The generations of nodes by their slots, side by side: `values[3] === 17` when the node of slot 3 last changed as
 * the 17th change of all. PERF: that thousands of nodes are unchanged is read from one flat array.
 */
export class Generations {
  values = new Float64Array(64);

  set(slot: number, generation: number): void {
    if (slot >= this.values.length) {
      const more = new Float64Array(Math.max(slot + 1, this.values.length * 2));
      more.set(this.values);
      this.values = more;
    }
    this.values[slot] = generation;
  }
}

/** Changes that are remembered; a power of two. */
const KEPT = 4_096;

/** Generations that also remember which nodes changed last: `slotAt(5)` is the slot of the sixth change. */
export class NodeChanges extends Generations {
  readonly #last = new Int32Array(KEPT);
  #count = 0;

  /** How many changes there were. */
  get count(): number {
    return this.#count;
  }

  override set(slot: number, generation: number): void {
    super.set(slot, generation);
    this.#last[this.#count & (KEPT - 1)] = slot;
    this.#count += 1;
  }

  /** Whether all changes from that one on are remembered. */
  remembers(since: number): boolean {
    return this.#count - since <= KEPT;
  }

  /** Of a change that is remembered. */
  slotAt(change: number): number {
    return this.#last[change & (KEPT - 1)] ?? 0;
  }
}
