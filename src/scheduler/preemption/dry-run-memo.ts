import type { NodeInfo } from "../cluster/node-info.ts";
import type { Verdict } from "../verdict.ts";
import type { Candidate } from "./candidate.ts";

/**
 * What ending pods on a node came to, for pods of one template, by the node's slot. An entry stands for the node's
 * generation and for the disruption budgets that it was worked out with.
 * PERF: of hundreds of nodes only those that changed since the last pod of its kind are tried again.
 */
export class DryRunMemo {
  readonly #at: number[] = [];
  readonly #outcomes: (Candidate | Verdict | undefined)[] = [];
  #budgets: readonly unknown[] | undefined;

  /** Forgets everything when the budgets are others. */
  withBudgets(budgets: readonly unknown[]): this {
    if (this.#budgets === budgets) return this;
    if (this.#budgets !== undefined && (this.#budgets.length > 0 || budgets.length > 0)) this.#at.fill(0);
    this.#budgets = budgets;
    return this;
  }

  get({ slot, generation }: NodeInfo): Candidate | Verdict | undefined {
    return this.#at[slot] === generation ? this.#outcomes[slot] : undefined;
  }

  set({ slot, generation }: NodeInfo, outcome: Candidate | Verdict): void {
    while (this.#at.length < slot) this.#at.push(0);
    while (this.#outcomes.length < slot) this.#outcomes.push(undefined);
    this.#at[slot] = generation;
    this.#outcomes[slot] = outcome;
  }
}
