import type { Pod, PodStatus } from "../../api/generated/types/core-v1.ts";

/** Milliseconds until the pod has been active too long; undefined without a deadline. @upstream pkg/kubelet/active_deadline.go */
export function deadlineMs(pod: Pod, status: PodStatus, nowMs: number): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  const started = status.startTime;
  if (seconds === undefined || started === undefined) return undefined;
  return Math.max(0, Date.parse(started) + seconds * 1000 - nowMs);
}

export function deadlineFailure(pod: Pod, status: PodStatus, nowMs: number): { readonly reason: string; readonly message: string } | undefined {
  return deadlineMs(pod, status, nowMs) === 0 ? { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" } : undefined;
}
