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
