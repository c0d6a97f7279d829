import type { Job, JobCondition, JobStatus } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { omitZero } from "../omit-zero.ts";
import { isPodReady, isPodTerminating } from "../pods/pod-state.ts";
import { matchFailurePolicy } from "./failure-policy.ts";
import { IndexSet } from "./index-set.ts";
import { hasValidIndex, indexOf, isFinished, isIndexed, isPodFailed, isSuspended, isTracked, jobCondition, retriesPerIndex } from "./job-spec.ts";
import type { Judgement, JobState } from "./judge.ts";
import { lastFailedOf } from "./per-index.ts";

/** No more pods than this wait between the two status writes. */
const maxUncounted = 500;

/** What became of the judgement's pods. */
export interface Outcome {
  readonly created: number;
  readonly removed: readonly Pod[];
}

export interface Account {
  /** To be written before any finalizer is taken off. */
  readonly status: JobStatus;
  /** Pods whose finalizer may go once the status is written. */
  readonly release: readonly Pod[];
  /** Whether every pod that had to go for the ending is gone or going. */
  readonly mayFinish: boolean;
  readonly suspension: "suspended" | "resumed" | undefined;
}

/**
 * The first half of counting an ended pod: its uid goes into uncountedTerminatedPods, or its index into
 * completedIndexes; only then may its finalizer go. @upstream job_controller.go trackJobStatusAndRemoveFinalizers
 */
export function accountJob(state: JobState, judgement: Judgement, outcome: Outcome): Account {
  const { job, pods, nowMs } = state;
  const { ending } = judgement;
  const before = job.status ?? {};
  const indexed = isIndexed(job);
  const readyRemoved = outcome.removed.filter(isPodReady).length;
  const mayFinish = ending !== undefined && outcome.removed.length === judgement.remove.length && outcome.created === judgement.create.length && state.settled;
  const uncounted = { succeeded: [...(before.uncountedTerminatedPods?.succeeded ?? [])], failed: [...(before.uncountedTerminatedPods?.failed ?? [])] };
  const room = (): boolean => uncounted.succeeded.length + uncounted.failed.length < maxUncounted;
  const release: Pod[] = [];
  const countedIndexes: number[] = [];
  const fresh = new Set([...judgement.newSucceeded, ...judgement.newFailed]);
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? "";
    if (!isTracked(pod) || state.released.has(uid) || !room()) continue;
    const succeeded = pod.status?.phase === "Succeeded";
    if (!succeeded && !isPodFailed(job, pod)) {
      const uncountable = job.metadata.deletionTimestamp !== undefined || !hasValidIndex(job, pod);
      if (uncountable && pod.metadata.deletionTimestamp !== undefined) release.push(pod);
      continue;
    }
    if (!succeeded && isNeededForRetry(state, judgement, pod)) {
      if (fresh.has(pod) && !known.has(uid) && counts(job, pod)) uncounted.failed.push(uid);
      continue;
    }
    release.push(pod);
    if (!fresh.has(pod)) continue;
    if (!succeeded) {
      if (counts(job, pod)) uncounted.failed.push(uid);
    } else if (indexed) countedIndexes.push(indexOf(pod) ?? 0);
    else uncounted.succeeded.push(uid);
  }
  const completed = indexed ? IndexSet.parse(before.completedIndexes, job.spec.completions ?? 0).union(IndexSet.of(countedIndexes)) : undefined;
  const interim = interimCondition(before.conditions, judgement, nowMs);
  const { conditions, suspension } = suspensionConditions(interim, job, ending !== undefined, nowMs);
  const starts = suspension === "resumed" || (before.startTime === undefined && !isSuspended(job));
  // Its time does not run while it is suspended.
  const startTime = suspension === "suspended" ? undefined : starts ? rfc3339(nowMs) : before.startTime;
  const perIndex = retriesPerIndex(job) === undefined ? undefined : judgement.failedIndexes.toString();
  return {
    status: {
      ...before,
      active: omitZero(judgement.active.length - outcome.removed.length + outcome.created),
      ready: judgement.active.filter(isPodReady).length - readyRemoved,
      terminating: pods.filter(isPodTerminating).length + outcome.removed.length,
      ...(completed === undefined ? {} : { succeeded: omitZero(completed.size), completedIndexes: textOrAbsent(completed.toString()) }),
      ...(perIndex === undefined ? {} : { failedIndexes: perIndex }),
      uncountedTerminatedPods: trim(uncounted),
      startTime,
      conditions: conditions.length === 0 ? undefined : conditions,
    },
    release,
    mayFinish,
    suspension,
  };
}

const counts = (job: Job, pod: Pod): boolean => matchFailurePolicy(job, pod).action !== "Ignore";

/** The last failed pod of an index that will be tried again carries the count of its failures until the next pod does. */
function isNeededForRetry({ job, pods, nowMs }: JobState, judgement: Judgement, pod: Pod): boolean {
  if (retriesPerIndex(job) === undefined || judgement.ending !== undefined || isFinished(job)) return false;
  const index = indexOf(pod);
  if (index === undefined || !hasValidIndex(job, pod) || judgement.completed.has(index) || judgement.failedIndexes.has(index)) return false;
  if (judgement.active.some((each) => indexOf(each) === index)) return false;
  return lastFailedOf(job, pods, index, nowMs) === pod;
}

function interimCondition(conditions: readonly JobCondition[] | undefined, { ending }: Judgement, nowMs: number): readonly JobCondition[] {
  const before = conditions ?? [];
  if (ending === undefined) return before;
  const type = ending.type === "Failed" ? "FailureTarget" : "SuccessCriteriaMet";
  if (jobCondition({ status: { conditions: before } }, type) !== undefined) return before;
  return [...before, newCondition(type, "True", ending.reason, ending.message, nowMs)];
}

/** Suspended is never written as False by a job that never was. */
function suspensionConditions(
  before: readonly JobCondition[],
  job: Job,
  ends: boolean,
  nowMs: number,
): { readonly conditions: readonly JobCondition[]; readonly suspension: Account["suspension"] } {
  const current = before.find(({ type }) => type === "Suspended");
  const rest = before.filter((condition) => condition !== current);
  if (ends) return { conditions: before, suspension: undefined };
  if (isSuspended(job) && current?.status !== "True")
    return { conditions: [...rest, newCondition("Suspended", "True", "JobSuspended", "Job suspended", nowMs)], suspension: "suspended" };
  if (!isSuspended(job) && current?.status === "True")
    return { conditions: [...rest, newCondition("Suspended", "False", "JobResumed", "Job resumed", nowMs)], suspension: "resumed" };
  return { conditions: before, suspension: undefined };
}

function newCondition(type: string, status: string, reason: string, message: string, nowMs: number): JobCondition {
  const now = rfc3339(nowMs);
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
}

/**
 * The second half: what has no finalizer any more is counted for good; then, when nothing is left to count and no pod
 * runs or ends any more, the job is finished.
 */
export function settleJob(
  state: JobState,
  account: Pick<Account, "status" | "mayFinish">,
  judgement: Pick<Judgement, "ending">,
  released: ReadonlySet<string>,
): { readonly status: JobStatus; readonly finished: boolean } {
  const { job, pods, nowMs } = state;
  const tracked = new Set(
    pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? "") && !state.released.has(pod.metadata.uid ?? "")).map((pod) => pod.metadata.uid ?? ""),
  );
  const { succeeded = [], failed = [] } = account.status.uncountedTerminatedPods ?? {};
  const left = { succeeded: succeeded.filter((uid) => tracked.has(uid)), failed: failed.filter((uid) => tracked.has(uid)) };
  const status: JobStatus = {
    ...account.status,
    ...(isIndexed(job) ? {} : { succeeded: omitZero((account.status.succeeded ?? 0) + succeeded.length - left.succeeded.length) }),
    failed: omitZero((account.status.failed ?? 0) + failed.length - left.failed.length),
    uncountedTerminatedPods: trim(left),
  };
  const { ending } = judgement;
  const open = left.succeeded.length + left.failed.length > 0 || (status.terminating ?? 0) > 0 || (status.active ?? 0) > 0;
  if (ending === undefined || !account.mayFinish || open || isFinished({ status })) return { status, finished: false };
  const condition = newCondition(ending.type, "True", ending.reason, ending.message, nowMs);
  return {
    status: { ...status, conditions: [...(status.conditions ?? []), condition], ...(ending.type === "Complete" ? { completionTime: rfc3339(nowMs) } : {}) },
    finished: true,
  };
}

function trim({ succeeded, failed }: { readonly succeeded: readonly string[]; readonly failed: readonly string[] }): NonNullable<JobStatus["uncountedTerminatedPods"]> {
  return { ...(succeeded.length === 0 ? {} : { succeeded }), ...(failed.length === 0 ? {} : { failed }) };
}

function textOrAbsent(text: string): string | undefined {
  return text === "" ? undefined : text;
}
