import type { PodInfo } from "../cluster/pod-info.ts";

/** When the pod began, in milliseconds; one that has not yet begins now. @upstream pkg/scheduler/util/utils.go GetPodStartTime */
export function startMs({ pod }: PodInfo, nowMs: number): number {
  const started = pod.status?.startTime;
  return started === undefined ? nowMs : Date.parse(started);
}

/** The more important first: by priority, then the one that runs longer. @upstream MoreImportantPod */
export function byImportance(nowMs: number): (a: PodInfo, b: PodInfo) => number {
  return (a, b) => b.priority - a.priority || startMs(a, nowMs) - startMs(b, nowMs);
}
