import type { NodeInfo } from "../cluster/node-info.ts";
import type { Verdict } from "../verdict.ts";
import type { Candidate } from "./candidate.ts";

/** What stands in `#ranks` for each node. */
const FIELDS = 5;

/**
 * What ending pods on a node came to, for pods of one template, by the node's slot. An entry stands for the node's
 * generation and for the disruption budgets that it was worked out with.
 * PERF: of hundreds of nodes only those that changed since the last pod of its kind are tried again, and the others
 * are compared by numbers that stand side by side: `[violations, top priority, weight, victims, earliest start]`.
 */
export class DryRunMemo {
  #at = new Float64Array(64);
  #ranks = new Float64Array(64 * FIELDS);
  readonly #outcomes: (Candidate | Verdict | undefined)[] = [];
  #budgets: readonly unknown[] | undefined;

  /** Forgets everything when the budgets are others. */
  withBudgets(budgets: readonly unknown[]): this {
    if (this.#budgets === budgets) return this;
    if (this.#budgets !== undefined && (this.#budgets.length > 0 || budgets.length > 0)) this.#at.fill(0);
    this.#budgets = budgets;
    return this;
  }

  has(slot: number, generation: number): boolean {
    return this.#at[slot] === generation;
  }

  get({ slot, generation }: NodeInfo): Candidate | Verdict | undefined {
    return this.has(slot, generation) ? this.#outcomes[slot] : undefined;
  }

  set({ slot, generation }: NodeInfo, outcome: Candidate | Verdict): void {
    while (this.#outcomes.length < slot) this.#outcomes.push(undefined);
    this.#grow(slot);
    this.#at[slot] = generation;
    this.#outcomes[slot] = outcome;
    if (!("victims" in outcome)) {
      this.#ranks[slot * FIELDS] = Number.NaN;
      return;
    }
    const { violations, victims, weight, earliestStartMs } = outcome;
    this.#ranks.set([violations, victims[0]?.priority ?? 0, weight, victims.length, earliestStartMs], slot * FIELDS);
  }

  /** Of a node that is known: how many budgets break there. NaN: there is nobody to end. */
  violationsAt(slot: number): number {
    return this.#ranks[slot * FIELDS] ?? Number.NaN;
  }

  /** Of nodes that are known and have victims: below zero when the first does less harm, as `pickCandidate` has it. */
  compare(a: number, b: number, nowMs: number): number {
    const ranks = this.#ranks;
    let left = a * FIELDS;
    let right = b * FIELDS;
    for (let field = 0; field < FIELDS - 1; field += 1, left += 1, right += 1) {
      const difference = (ranks[left] ?? 0) - (ranks[right] ?? 0);
      if (difference !== 0) return difference;
    }
    return Math.min(ranks[right] ?? 0, nowMs) - Math.min(ranks[left] ?? 0, nowMs);
  }

  #grow(slot: number): void {
    if (slot < this.#at.length) return;
    const length = Math.max(slot + 1, this.#at.length * 2);
    const at = new Float64Array(length);
    at.set(this.#at);
    this.#at = at;
    const ranks = new Float64Array(length * FIELDS);
    ranks.set(this.#ranks);
    this.#ranks = ranks;
  }
}
