import type { NodeInfo } from "../cluster/node-info.ts";
import type { Cycle } from "../cycle.ts";
import type { Verdict } from "../verdict.ts";
import type { Candidate } from "./candidate.ts";
import type { DryRunMemo } from "./dry-run-memo.ts";
import { findVictims, type VictimSearch } from "./find-victims.ts";

export interface CandidateRange {
  readonly nodes: readonly NodeInfo[];
  /** Where to begin. */
  readonly offset: number;
  /** So many candidates are enough, once one of them breaks no budget. */
  readonly enough: number;
}

/** The candidates that were found, and what other nodes lack. */
export interface FoundVictims {
  readonly candidates: readonly Candidate[];
  readonly verdicts: readonly Verdict[];
}

/** Tries one node after another, from `offset` on around the list, until there are enough candidates. @upstream preemption DryRunPreemption */
export function findCandidates(cycle: Cycle, { nodes, offset, enough }: CandidateRange, search: VictimSearch): FoundVictims {
  const memo = dryRunsOf(cycle, search);
  const own = cycle.ownSlot();
  const candidates: Candidate[] = [];
  const verdicts: Verdict[] = [];
  let isHarmless = false;
  for (let index = 0; index < nodes.length && !(isHarmless && candidates.length >= enough); index += 1) {
    const node = nodes[(offset + index) % nodes.length] as NodeInfo;
    const found = tryNode(cycle, node, search, node.slot === own ? undefined : memo);
    if ("victims" in found) {
      candidates.push(found);
      isHarmless ||= found.violations === 0;
    } else verdicts.push(found);
  }
  return { candidates, verdicts };
}

/**
 * The one of `findCandidates` that `pickCandidate` takes, for a pod about which everything may be remembered; undefined: it is not, or there is none.
 * PERF: of hundreds of candidates only numbers in flat arrays are read, and nothing is made of them.
 */
export function bestRemembered(cycle: Cycle, { nodes, offset, enough }: CandidateRange, search: VictimSearch): Candidate | undefined {
  const memo = dryRunsOf(cycle, search);
  if (memo === undefined || cycle.ownSlot() !== -1) return undefined;
  const { cluster } = cycle;
  const generations = cluster.victimsGenerations.values;
  const slots = nodes === cluster.nodes ? cluster.slots : undefined;
  let best = -1;
  let bestAt = -1;
  let candidates = 0;
  let isHarmless = false;
  for (let index = 0, at = offset; index < nodes.length && !(isHarmless && candidates >= enough); index += 1, at = at + 1 === nodes.length ? 0 : at + 1) {
    const slot = slots === undefined ? (nodes[at] as NodeInfo).slot : (slots[at] ?? 0);
    if (!memo.has(slot, generations[slot] ?? 0)) tryNode(cycle, nodes[at] as NodeInfo, search, memo);
    const violations = memo.violationsAt(slot);
    if (Number.isNaN(violations)) continue;
    candidates += 1;
    if (violations === 0) isHarmless = true;
    if (best !== -1 && memo.compare(slot, best, search.nowMs) >= 0) continue;
    best = slot;
    bestAt = at;
  }
  const found = best === -1 ? undefined : memo.get(nodes[bestAt] as NodeInfo);
  return found !== undefined && "victims" in found ? found : undefined;
}

/** Whether ending pods on the node would make room there. */
export function mayEndPods(cycle: Cycle, node: NodeInfo, search: VictimSearch): boolean {
  return "victims" in tryNode(cycle, node, search, node.slot === cycle.ownSlot() ? undefined : dryRunsOf(cycle, search));
}

function dryRunsOf(cycle: Cycle, { budgets }: VictimSearch): DryRunMemo | undefined {
  return cycle.wholeMemo()?.dryRuns.withBudgets(budgets);
}

function tryNode(cycle: Cycle, node: NodeInfo, search: VictimSearch, memo: DryRunMemo | undefined): Candidate | Verdict {
  const known = memo?.get(node);
  if (known !== undefined) return known;
  const found = findVictims(cycle, node, search);
  memo?.set(node, found);
  return found;
}
