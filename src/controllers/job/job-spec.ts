import type { Job, JobCondition } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
export const indexAnnotation = "batch.kubernetes.io/job-completion-index";
export const indexFailureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
export const indexIgnoredFailureCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";
const ourName = "kubernetes.io/job-controller";

export const isIndexed = (job: Job): boolean => job.spec.completionMode === "Indexed";
export const parallelismOf = (job: Job): number => job.spec.parallelism ?? 1;
export const isSuspended = (job: Job): boolean => job.spec.suspend === true;
export const isManagedElsewhere = (job: Job): boolean => job.spec.managedBy !== undefined && job.spec.managedBy !== ourName;
export const retriesPerIndex = (job: Job): number | undefined => (isIndexed(job) ? job.spec.backoffLimitPerIndex : undefined);

/** New pods wait until old ones have failed, rather than only begun to end. */
export function replacesOnlyFailed(job: Job): boolean {
  return job.spec.podReplacementPolicy === "Failed" || (job.spec.podReplacementPolicy === undefined && job.spec.podFailurePolicy !== undefined);
}

export function jobCondition(job: Pick<Job, "status">, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

export function isFinished(job: Pick<Job, "status">): boolean {
  return jobCondition(job, "Complete") !== undefined || jobCondition(job, "Failed") !== undefined;
}

/** A pod's completion index; undefined when it has none. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** Whether the pod works for the job: any of a plain one; with an index below completions of an indexed one. */
export function hasValidIndex(job: Job, pod: Pod): boolean {
  if (!isIndexed(job)) return true;
  const index = indexOf(pod);
  return index !== undefined && index < (job.spec.completions ?? 0);
}

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) === true;

/** @upstream pkg/controller/job/job_controller.go isPodFailed */
export function isPodFailed(job: Job, pod: Pod): boolean {
  const phase = pod.status?.phase;
  if (phase === "Failed") return true;
  if (replacesOnlyFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && phase !== "Succeeded";
}

/** When a pod ended, as well as it can be told, in milliseconds since the epoch. */
export function finishedMs(pod: Pod, nowMs: number): number {
  let latest: number | undefined;
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const at = state?.terminated?.finishedAt;
    if (at !== undefined) latest = Math.max(latest ?? 0, Date.parse(at));
  }
  if (latest !== undefined) return latest;
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return ready === undefined ? nowMs : Date.parse(ready);
}
