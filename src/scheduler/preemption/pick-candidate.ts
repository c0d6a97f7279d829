import type { Candidate } from "./candidate.ts";

/**
 * Where preemption does the least harm: fewest broken budgets, then the least important most important victim, the
 * smallest sum of priorities, the fewest victims, the victims that began last, the first. @upstream pickOneNodeForPreemption
 */
export function pickCandidate(candidates: readonly Candidate[], nowMs: number): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (best === undefined || compare(candidate, best, nowMs) < 0) best = candidate;
  return best;
}

/** Pods that have not yet begun begin now. */
function compare(a: Candidate, b: Candidate, nowMs: number): number {
  return (
    a.violations - b.violations ||
    (a.victims[0]?.priority ?? 0) - (b.victims[0]?.priority ?? 0) ||
    a.weight - b.weight ||
    a.victims.length - b.victims.length ||
    Math.min(b.earliestStartMs, nowMs) - Math.min(a.earliestStartMs, nowMs)
  );
}
