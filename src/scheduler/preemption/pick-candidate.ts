import type { Candidate } from "./find-victims.ts";
import { startMs } from "./pod-importance.ts";

/** Lifts every priority above zero, so that fewer victims always weigh less. */
const LIFT = 2 ** 31;

/**
 * Where preemption does the least harm: fewest broken budgets, then the least important most important victim, the
 * smallest sum of priorities, the fewest victims, the victims that began last, the first. @upstream pickOneNodeForPreemption
 */
export function pickCandidate(candidates: readonly Candidate[], nowMs: number): Candidate | undefined {
  const costs: readonly ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => victims[0]?.priority ?? 0,
    ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + LIFT, 0),
    ({ victims }) => victims.length,
    (candidate) => -earliestStart(candidate, nowMs),
  ];
  let left = candidates;
  for (const cost of costs) {
    if (left.length <= 1) break;
    const values = left.map(cost);
    const least = Math.min(...values);
    left = left.filter((_, index) => values[index] === least);
  }
  return left[0];
}

/** Of the most important victims. */
function earliestStart({ victims }: Candidate, nowMs: number): number {
  const top = victims[0]?.priority;
  return Math.min(...victims.filter(({ priority }) => priority === top).map((victim) => startMs(victim, nowMs)));
}
