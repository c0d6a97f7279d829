import type { PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { Verdict } from "../verdict.ts";
import type { Candidate } from "./candidate.ts";
import { isGuarded } from "./disruption-budgets.ts";

/** What stands in `#ranks` for each node. */
const FIELDS = 5;

/**
 * What ending pods on a node came to, for pods of one template, by the node's slot. An entry stands for the
 * generation of the node's victims and, where a disruption budget has a say in the node's pods, for the budgets that it was worked out with.
 * PERF: of hundreds of nodes only those that changed since the last pod of its kind are tried again, and the others
 * are compared by numbers that stand side by side: `[violations, top priority, weight, victims, earliest start]`.
 */
export class DryRunMemo {
  #at = new Float64Array(64);
  #ranks = new Float64Array(64 * FIELDS);
  readonly #outcomes: (Candidate | Verdict | undefined)[] = [];
  /** 1: some budget selects pods of the node. */
  #guarded = new Uint8Array(64);
  #budgets: readonly PodDisruptionBudget[] = [];

  /** Forgets what other budgets were worked out with. PERF: where none has a say, only a change of whom they select matters. */
  withBudgets(budgets: readonly PodDisruptionBudget[]): this {
    if (this.#budgets === budgets) return this;
    if (!selectAlike(this.#budgets, budgets)) this.#at.fill(0);
    else for (let slot = 0; slot < this.#guarded.length; slot += 1) if (this.#guarded[slot] === 1) this.#at[slot] = 0;
    this.#budgets = budgets;
    return this;
  }

  has(slot: number, generation: number): boolean {
    return this.#at[slot] === generation;
  }

  get({ slot, victimsGeneration }: NodeInfo): Candidate | Verdict | undefined {
    return this.has(slot, victimsGeneration) ? this.#outcomes[slot] : undefined;
  }

  set({ slot, victimsGeneration, pods }: NodeInfo, outcome: Candidate | Verdict): void {
    while (this.#outcomes.length < slot) this.#outcomes.push(undefined);
    this.#grow(slot);
    this.#at[slot] = victimsGeneration;
    this.#guarded[slot] = this.#budgets.length > 0 && isGuarded(pods.values(), this.#budgets) ? 1 : 0;
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
    const guarded = new Uint8Array(length);
    guarded.set(this.#guarded);
    this.#guarded = guarded;
    const ranks = new Float64Array(length * FIELDS);
    ranks.set(this.#ranks);
    this.#ranks = ranks;
  }
}

/** Whether the same budgets select the same pods, whatever they allow now. */
function selectAlike(before: readonly PodDisruptionBudget[], after: readonly PodDisruptionBudget[]): boolean {
  return before.length === after.length && before.every((budget, index) => isSelectorKept(budget, after[index]));
}

function isSelectorKept(before: PodDisruptionBudget, after: PodDisruptionBudget | undefined): boolean {
  if (after === undefined || before === after) return before === after;
  const { uid, namespace } = before.metadata;
  return uid === after.metadata.uid && namespace === after.metadata.namespace && deepEqual(before.spec.selector, after.spec.selector);
}
