import type { Turns } from "../base/turns.ts";

export interface TurnShareOptions {
  /** How much of a turn may be used. */
  readonly shareMs: number;
  /** How many pieces of work may be done in one turn, however little they take. */
  readonly most: number;
}

/** Lets somebody with much to do have a share of each turn of the event loop, so that all others get theirs. */
export class TurnShare {
  readonly #options: TurnShareOptions;
  readonly #turns: Turns;
  /** When its use in this turn began; undefined: it has not. */
  #beganMs: number | undefined;
  #done = 0;
  #giveUp: (() => void) | undefined;
  readonly #turnOver = (): void => {
    this.#beganMs = undefined;
    this.#done = 0;
  };

  constructor(options: TurnShareOptions, deps: Turns) {
    this.#options = options;
    this.#turns = deps;
  }

  /** To be asked after each piece of work: whether the rest has to wait for the next turn. */
  isUsedUp(): boolean {
    const nowMs = this.#turns.nowMs();
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs;
      this.#turns.soon(this.#turnOver);
    }
    this.#done += 1;
    return this.#done >= this.#options.most || nowMs - this.#beganMs >= this.#options.shareMs;
  }

  /** Resolves when there is a share again, or nobody wants it any more. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#giveUp = resolve;
      this.#turns.soon(resolve);
    });
  }

  /** Whoever waits for a share need not. */
  close(): void {
    this.#giveUp?.();
  }
}
