import type { PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Cycle } from "../cycle.ts";
import type { Verdict } from "../verdict.ts";
import { type Candidate, candidateOf } from "./candidate.ts";
import { splitByBudget } from "./disruption-budgets.ts";
import { byImportance } from "./pod-importance.ts";

export interface VictimSearch {
  readonly budgets: readonly PodDisruptionBudget[];
  readonly nowMs: number;
}

const nobody = [{ reason: "No preemption victims found for incoming pod", unresolvable: true }];
const PLUGIN = "DefaultPreemption";

/**
 * The fewest and least important pods of lower priority whose end makes room for the cycle's pod on the node, or why
 * there are none: all are taken off, then put back one by one, those first whose end would break a budget.
 * @upstream plugins/defaultpreemption SelectVictimsOnNode
 */
export function findVictims(cycle: Cycle, node: NodeInfo, { budgets, nowMs }: VictimSearch): Candidate | Verdict {
  const lower: PodInfo[] = [];
  for (const pod of node.pods.values()) if (pod.priority < cycle.pod.priority) lower.push(pod);
  if (lower.length === 0) return { node: node.name, plugin: PLUGIN, rejections: nobody };
  const trial = cycle.try(node);
  for (const pod of lower) trial.remove(pod);
  const verdict = trial.judge();
  if (verdict !== undefined) return verdict;
  const byRank = byImportance(nowMs);
  const { breaking, harmless } = splitByBudget(lower.sort(byRank), budgets);
  const mustGo = (pod: PodInfo): boolean => {
    trial.add(pod);
    if (trial.judge() === undefined) return false;
    trial.remove(pod);
    return true;
  };
  const broken = breaking.filter(mustGo);
  const victims = [...broken, ...harmless.filter(mustGo)].sort(byRank);
  if (victims.length === 0) return { node: node.name, plugin: PLUGIN, rejections: nobody };
  return candidateOf(node.name, victims, broken.length);
}
