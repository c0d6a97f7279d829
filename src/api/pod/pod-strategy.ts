import type { Draft } from "../../base/values.ts";
import type { Pod } from "../generated/types/core-v1.ts";
import { mergeLabelKeys } from "./pod-label-keys.ts";
import { podQosClass } from "./pod-qos.ts";

const gated = { type: "PodScheduled", status: "False", reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates" };

/** A new pod is Pending with its class worked out; what its creator says of the status counts for nothing. @upstream pkg/registry/core/pod/strategy.go */
export function preparePodCreate(pod: Draft<Pod>): void {
  const qosClass = podQosClass(pod.spec);
  pod.status = (pod.spec.schedulingGates ?? []).length > 0 ? { phase: "Pending", conditions: [{ ...gated }], qosClass } : { phase: "Pending", qosClass };
  mergeLabelKeys(pod);
}

/** Status writers touch neither owners nor, by leaving it out, the class. */
export function preparePodStatusUpdate(pod: Draft<Pod>, previous: Pod): void {
  const { qosClass } = previous.status ?? {};
  pod.status ??= {};
  if (qosClass !== undefined) pod.status.qosClass ??= qosClass;
}

/**
 * Seconds that a pod has to end: what the caller asks or the spec says, none when it was never scheduled or has ended.
 * @upstream pkg/registry/core/pod/strategy.go CheckGracefulDelete
 */
export function podGracePeriodSeconds(pod: Pod, requested: number | undefined): number {
  const phase = pod.status?.phase;
  if ((pod.spec.nodeName ?? "") === "" || phase === "Failed" || phase === "Succeeded") return 0;
  const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}
