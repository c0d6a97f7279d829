import type { PodInfo } from "../cluster/pod-info.ts";
import { startMs } from "./pod-importance.ts";

/** A node where ending these pods, the most important first, makes room. */
export interface Candidate {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  /** Victims that break a disruption budget. */
  readonly violations: number;
  /** Grows with the victims' priorities and number. */
  readonly weight: number;
  /** When the first of the most important victims began, in milliseconds; infinite: none has yet. */
  readonly earliestStartMs: number;
}

/** Lifts every priority above zero, so that fewer victims always weigh less. */
const LIFT = 2 ** 31;

/** `victims`: the most important first. */
export function candidateOf(node: string, victims: readonly PodInfo[], violations: number): Candidate {
  const top = victims[0]?.priority;
  let weight = 0;
  let earliestStartMs = Number.POSITIVE_INFINITY;
  for (const victim of victims) {
    weight += victim.priority + LIFT;
    if (victim.priority === top) earliestStartMs = Math.min(earliestStartMs, startMs(victim, Number.POSITIVE_INFINITY));
  }
  return { node, victims, violations, weight, earliestStartMs };
}
