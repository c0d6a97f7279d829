/**
 * Room to work in that is kept from one cycle to the next. PERF: a pod looks at hundreds of nodes; arrays that grow anew
 * for each pod were a seventh of all that scheduling allocates. Nothing that outlives a cycle may point in here.
 */
export class Workspace {
  #positions = new Int32Array(0);
  #totals: Float64Array = new Float64Array(0);
  #scores: Float64Array = new Float64Array(0);

  /** At least so long; what is in there is of a search before. */
  positions(length: number): Int32Array {
    if (this.#positions.length < length) this.#positions = new Int32Array(length);
    return this.#positions;
  }

  /** Exactly so long, with anything in it. */
  totals(length: number): Float64Array {
    if (this.#totals.length !== length) this.#totals = ofLength(this.#totals, length);
    return this.#totals;
  }

  /** Likewise. */
  scores(length: number): Float64Array {
    if (this.#scores.length !== length) this.#scores = ofLength(this.#scores, length);
    return this.#scores;
  }
}

/** Over the same bytes where they are enough. */
function ofLength({ buffer }: Float64Array, length: number): Float64Array {
  const bytes = length * Float64Array.BYTES_PER_ELEMENT;
  return bytes <= buffer.byteLength ? new Float64Array(buffer, 0, length) : new Float64Array(length);
}
