/** The event loop, as far as its turns are shared among those who have much to do. */
export interface Turns {
  nowMs(): number;
  /** Calls back in this turn of the loop, after what has arrived, or in the next; each call on its own, with all that it leads to at once. */
  soon(callback: () => void): void;
}
