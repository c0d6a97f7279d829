import type { Pod, Taint } from "../../api/generated/types/core-v1.ts";
import { tolerates } from "../pods/tolerations.ts";

/** For how long a pod may stay on a node with these NoExecute taints: "for-ever", or seconds; 0 is now. @upstream pkg/controller/tainteviction/taint_eviction.go */
export function tolerationSeconds(pod: Pod, taints: readonly Taint[]): number | "for-ever" {
  const noExecute = taints.filter(({ effect }) => effect === "NoExecute");
  if (noExecute.length === 0) return "for-ever";
  const tolerations = pod.spec.tolerations ?? [];
  const used = tolerations.filter((toleration) => noExecute.some((taint) => tolerates(toleration, taint)));
  if (!noExecute.every((taint) => used.some((toleration) => tolerates(toleration, taint)))) return 0;
  let shortest: number | "for-ever" = "for-ever";
  for (const { tolerationSeconds: seconds } of used) {
    if (seconds === undefined) continue;
    if (seconds <= 0) return 0;
    shortest = shortest === "for-ever" ? seconds : Math.min(shortest, seconds);
  }
  return shortest;
}
