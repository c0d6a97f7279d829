import { Quantity } from "../../meta/quantity.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { podLimits, podRequests } from "../pod/pod-resources.ts";

export type Usage = ReadonlyMap<string, Quantity>;

/** Resources of a pod that also count under their plain name. */
const plain = new Set(["cpu", "memory", "ephemeral-storage"]);

/** What one pod takes of a quota; a finished one only its place among the objects. @upstream pkg/quota/v1/evaluator/core/pods.go */
export function podUsage(pod: Pod, nowMs: number): Usage {
  const usage = new Map<string, Quantity>([["count/pods", Quantity.of(1)]]);
  if (isFinished(pod) || isOverdue(pod, nowMs)) return usage;
  usage.set("pods", Quantity.of(1));
  for (const [name, amount] of podRequests(pod.spec)) {
    usage.set(`requests.${name}`, amount);
    if (plain.has(name) || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of podLimits(pod.spec)) if (plain.has(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

function isFinished({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Deleted, and its grace is over: its node is likely gone. */
function isOverdue({ metadata: { deletionTimestamp, deletionGracePeriodSeconds = 0 } }: Pod, nowMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 < nowMs;
}
