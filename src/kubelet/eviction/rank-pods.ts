import type { Pod } from "../../api/generated/types/core-v1.ts";
import { podRequest } from "../admission/admit-pod.ts";

/** A pod with what it uses of the resource that runs short. */
export interface PodUsage {
  readonly pod: Pod;
  readonly used: number;
}

const systemCritical = 2_000_000_000;

/** Pods that the node cannot do without are never evicted. @upstream pkg/kubelet/types/pod_update.go IsCriticalPod */
export function isCritical(pod: Pod): boolean {
  return (pod.spec.priority ?? 0) >= systemCritical;
}

/** Whom to evict first: those above their request, then the lower priority, then the largest excess. @upstream pkg/kubelet/eviction/helpers.go */
export function rankForEviction(pods: readonly PodUsage[], resource: string): readonly PodUsage[] {
  const requestOf = ({ pod }: PodUsage): number => (resource === "memory" || resource === "ephemeral-storage" ? podRequest(pod, resource) : 0);
  const excess = (usage: PodUsage): number => usage.used - requestOf(usage);
  return pods
    .filter(({ pod }) => !isCritical(pod))
    .sort((a, b) => Number(excess(b) > 0) - Number(excess(a) > 0) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || excess(b) - excess(a));
}
