import type { Job } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { matchFailurePolicy } from "./failure-policy.ts";
import { IndexSet } from "./index-set.ts";
import { finishedMs, indexFailureCountAnnotation, indexIgnoredFailureCountAnnotation, indexOf, isPodFailed, retriesPerIndex } from "./job-spec.ts";

/** How often an index failed, and how often that was ignored. */
export interface IndexRetry {
  readonly failures: number;
  readonly ignored: number;
}

const countOf = (pod: Pod, annotation: string): number => {
  const text = pod.metadata.annotations?.[annotation];
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : 0;
};

/** Indexes that have used up their retries, or whose pod the policy gave up. */
export function failedIndexes(job: Job, newFailed: readonly Pod[]): IndexSet {
  const limit = retriesPerIndex(job);
  if (limit === undefined) return IndexSet.empty;
  const given = newFailed.filter((pod) => {
    const { action } = matchFailurePolicy(job, pod);
    return action === "FailIndex" || (action !== "Ignore" && countOf(pod, indexFailureCountAnnotation) >= limit);
  });
  return IndexSet.parse(job.status?.failedIndexes, job.spec.completions ?? 0).union(IndexSet.of(given.map((pod) => indexOf(pod) ?? 0)));
}

/** The pod of an index that failed last. */
export function lastFailedOf(job: Job, pods: readonly Pod[], index: number, nowMs: number): Pod | undefined {
  let last: Pod | undefined;
  for (const pod of pods) {
    if (indexOf(pod) !== index || !isPodFailed(job, pod)) continue;
    const order = (each: Pod): number => countOf(each, indexFailureCountAnnotation) + countOf(each, indexIgnoredFailureCountAnnotation);
    if (last === undefined || order(pod) > order(last) || (order(pod) === order(last) && finishedMs(pod, nowMs) > finishedMs(last, nowMs))) last = pod;
  }
  return last;
}

/** What the next pod of the index carries on. */
export function retryOf(job: Job, last: Pod | undefined): IndexRetry {
  if (last === undefined) return { failures: 0, ignored: 0 };
  const failures = countOf(last, indexFailureCountAnnotation);
  const ignored = countOf(last, indexIgnoredFailureCountAnnotation);
  return matchFailurePolicy(job, last).action === "Ignore" ? { failures, ignored: ignored + 1 } : { failures: failures + 1, ignored };
}
