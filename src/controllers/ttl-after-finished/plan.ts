import type { Job } from "../../api/generated/types/batch-v1.ts";

/** Milliseconds until a finished job may be deleted, 0 or less when it is due; undefined when it never is. @upstream pkg/controller/ttlafterfinished */
export function timeLeftMs(job: Job, nowMs: number): number | undefined {
  const ttl = job.spec.ttlSecondsAfterFinished;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const finished = job.status?.conditions?.find(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True");
  if (finished?.lastTransitionTime === undefined) return undefined;
  return Date.parse(finished.lastTransitionTime) + ttl * 1000 - nowMs;
}
