import type { NodeInfo } from "./cluster/node-info.ts";
import type { Verdict } from "./verdict.ts";

/**
 * What the local plug-ins said of each node about pods of one template, by the node's slot. An entry stands for the
 * node's generation that it was worked out at: `generations[3] === 17` means that `verdicts[3]` is of generation 17.
 * PERF: of hundreds of nodes only the one that took the last pod has to be judged again for the next pod of its kind.
 */
export class TemplateMemo {
  readonly #judgedAt: number[] = [];
  readonly #verdicts: (Verdict | undefined)[] = [];
  readonly #ratedAt: number[] = [];
  readonly #ratings: number[] = [];

  isJudged({ slot, generation }: NodeInfo): boolean {
    return this.#judgedAt[slot] === generation;
  }

  /** Of a node that is judged. */
  verdict({ slot }: NodeInfo): Verdict | undefined {
    return this.#verdicts[slot];
  }

  judged({ slot, generation }: NodeInfo, verdict: Verdict | undefined): void {
    fill(this.#judgedAt, slot);
    this.#judgedAt[slot] = generation;
    while (this.#verdicts.length < slot) this.#verdicts.push(undefined);
    this.#verdicts[slot] = verdict;
  }

  isRated({ slot, generation }: NodeInfo): boolean {
    return this.#ratedAt[slot] === generation;
  }

  /** Of a node that is rated. */
  rating({ slot }: NodeInfo): number {
    return this.#ratings[slot] ?? 0;
  }

  rated({ slot, generation }: NodeInfo, rating: number): number {
    fill(this.#ratedAt, slot);
    fill(this.#ratings, slot);
    this.#ratedAt[slot] = generation;
    this.#ratings[slot] = rating;
    return rating;
  }
}

/** Without holes: V8 keeps such arrays of numbers flat. */
function fill(numbers: number[], upTo: number): void {
  while (numbers.length < upTo) numbers.push(0);
}

/** Templates that are remembered; one more lets the one not used for longest go. */
const MAX_TEMPLATES = 64;

export class TemplateMemos {
  /** Oldest use first. */
  readonly #memos = new Map<string, TemplateMemo>();

  clear(): void {
    this.#memos.clear();
  }

  of(template: string): TemplateMemo {
    const known = this.#memos.get(template);
    if (known !== undefined) this.#memos.delete(template);
    else if (this.#memos.size >= MAX_TEMPLATES) {
      const oldest = this.#memos.keys().next();
      if (oldest.done !== true) this.#memos.delete(oldest.value);
    }
    const memo = known ?? new TemplateMemo();
    this.#memos.set(template, memo);
    return memo;
  }
}
