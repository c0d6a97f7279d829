import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Random } from "../../base/random.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { Cycle } from "../cycle.ts";
import { type Diagnosis, diagnosisText, isUnresolvable } from "../verdict.ts";
import type { Candidate } from "./candidate.ts";
import { bestRemembered, type CandidateRange, findCandidates, type FoundVictims } from "./find-candidates.ts";
import type { VictimSearch } from "./find-victims.ts";
import { pickCandidate } from "./pick-candidate.ts";

/** What preemption comes to: where to make room by ending whom, or why not. */
export type Preemption =
  | { readonly candidate: Candidate }
  | {
      readonly candidate: undefined;
      /** `preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.` */
      readonly message: string;
      /** Room that is being made already is still waited for. */
      readonly keepsNomination: boolean;
    };

export interface PreemptionSearch extends VictimSearch {
  /** Default: 10 per cent, at least 100. */
  readonly minCandidates?: MinCandidates;
  /** The nodes whose verdicts are not final; absent: found by the verdicts. */
  readonly resolvable?: readonly NodeInfo[] | undefined;
}

/** So many candidates are enough to pick from, in per cent of those that may do and at least. @upstream DefaultPreemptionArgs */
export interface MinCandidates {
  readonly percentage: number;
  readonly absolute: number;
}

const usual: MinCandidates = { percentage: 10, absolute: 100 };

/** Looks for pods of lower priority whose end would let the cycle's pod run. Ends nothing itself. @upstream pkg/scheduler/framework/preemption Evaluator.Preempt */
export function preempt(cycle: Cycle, diagnosis: Diagnosis, search: PreemptionSearch, random: Random): Preemption {
  const why = refusalOf(cycle, diagnosis);
  if (why !== undefined) return why;
  const range = rangeOf(cycle, diagnosis, search, random);
  const candidate = bestRemembered(cycle, range, search);
  return candidate === undefined ? pick(findCandidates(cycle, range, search), diagnosis, search.nowMs) : { candidate };
}

/** The first half of `preempt`: whom one could end where, or why nobody may be. */
export function searchVictims(cycle: Cycle, diagnosis: Diagnosis, search: PreemptionSearch, random: Random): FoundVictims | Preemption {
  return refusalOf(cycle, diagnosis) ?? findCandidates(cycle, rangeOf(cycle, diagnosis, search, random), search);
}

function refusalOf(cycle: Cycle, diagnosis: Diagnosis): Preemption | undefined {
  const why = ineligible(cycle, diagnosis);
  return why === undefined ? undefined : { candidate: undefined, message: `preemption: ${why}`, keepsNomination: true };
}

/** The second half. */
export function pick({ candidates, verdicts }: FoundVictims, { total }: Pick<Diagnosis, "total">, nowMs: number): Preemption {
  const candidate = pickCandidate(candidates, nowMs);
  if (candidate !== undefined) return { candidate };
  const text = diagnosisText({ total, verdicts, others: "Preemption is not helpful for scheduling" });
  return { candidate: undefined, message: `preemption: ${text}`, keepsNomination: false };
}

function ineligible(cycle: Cycle, diagnosis: Diagnosis): string | undefined {
  const { pod, cluster } = cycle;
  if (pod.pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = cycle.nominatedNode();
  if (nominated === "") return undefined;
  const verdict = diagnosis.verdicts.find(({ node }) => node === nominated);
  // What was made room on cannot take the pod any more, whoever ends.
  if (diagnosis.refusal !== undefined || (verdict !== undefined && isUnresolvable(verdict))) return undefined;
  for (const other of cluster.node(nominated)?.pods.values() ?? [])
    if (other.priority < pod.priority && isPreempted(other.pod)) return "not eligible due to a terminating pod on the nominated node.";
  return undefined;
}

function isPreempted({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const target = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return target?.status === "True" && target.reason === "PreemptionByScheduler";
}

/** The nodes to try, from a random one on, and how many are enough. @upstream preemption GetOffsetAndNumCandidates */
function rangeOf({ cluster }: Cycle, diagnosis: Diagnosis, { resolvable, minCandidates = usual }: PreemptionSearch, random: Random): CandidateRange {
  const nodes = resolvable ?? diagnosis.verdicts.flatMap((verdict) => (isUnresolvable(verdict) ? [] : (cluster.node(verdict.node) ?? [])));
  const enough = Math.min(nodes.length, Math.max(minCandidates.absolute, Math.floor((nodes.length * minCandidates.percentage) / 100)));
  return { nodes, enough, offset: Math.floor(random.next() * nodes.length) };
}
