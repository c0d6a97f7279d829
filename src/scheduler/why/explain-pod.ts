import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodVerdictStatus } from "../../api/insight/pod-verdict.ts";
import type { Random } from "../../base/random.ts";
import { chooseNode } from "../choose-node.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { Cycle } from "../cycle.ts";
import type { Plugin } from "../plugin.ts";
import { plainStatus, refusalSuggestion, waitingStatus } from "./pod-verdict.ts";
import { type Judge, smallestChange } from "./smallest-change.ts";

/** What there is to know about a pod's chances. */
export interface Prospects {
  readonly cluster: Cluster;
  /** Of the pod's profile; undefined: nobody schedules it, or it is on its way to a node already. */
  readonly plugins: readonly Plugin[] | undefined;
  readonly random: Random;
  isScheduler(name: string): boolean;
}

/** Why a pod is where it is, or nowhere: as things stand now, since what was worked out at the last attempt may be long past. */
export function explainPod(pod: Pod, { cluster, plugins, random, isScheduler }: Prospects): PodVerdictStatus {
  const plain = plainStatus(pod, cluster.nodes.length, isScheduler);
  if (plain !== undefined) return plain;
  const choice = plugins === undefined ? undefined : chooseNode(new Cycle(podInfo(pod), { cluster, plugins }), { startIndex: 0 }, random);
  if (plugins === undefined || choice === undefined || choice.node !== undefined) {
    return { phase: "Pending", message: "a node takes it at the next attempt", nodes: cluster.nodes.length };
  }
  const { diagnosis } = choice;
  if (diagnosis.refusal !== undefined) return waitingStatus(pod, diagnosis, refusalSuggestion(diagnosis.refusal));
  const judge: Judge = (changed) => {
    const cycle = new Cycle(changed, { cluster, plugins });
    return cycle.refusal === undefined ? cycle : "refused";
  };
  const change = smallestChange(pod, diagnosis.verdicts, (name) => cluster.node(name), judge);
  return waitingStatus(pod, diagnosis, change);
}
