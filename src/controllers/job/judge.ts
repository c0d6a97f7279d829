import type { Job } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { rankForDeletion } from "../pods/deletion-rank.ts";
import { isPodActive, isPodTerminating } from "../pods/pod-state.ts";
import { backoffLeftMs, type BackoffRecord, noFailures, recordEnds } from "./backoff.ts";
import { matchFailurePolicy } from "./failure-policy.ts";
import { IndexSet } from "./index-set.ts";
import { hasValidIndex, indexOf, isIndexed, isPodFailed, isSuspended, isTracked, jobCondition, parallelismOf, replacesOnlyFailed, retriesPerIndex } from "./job-spec.ts";
import { failedIndexes, type IndexRetry, lastFailedOf, retryOf } from "./per-index.ts";
import { matchSuccessPolicy } from "./success-policy.ts";

/** At most so many pods are made or removed in one go. */
const burst = 500;

export interface JobState {
  readonly job: Job;
  /** The pods that are the job's, whatever became of them. */
  readonly pods: readonly Pod[];
  /** Pods whose finalizer was taken off although the cache may still show it. */
  readonly released: ReadonlySet<string>;
  readonly backoff: BackoffRecord;
  /** Whether the cache shows all pods that were made and removed. */
  readonly settled: boolean;
  readonly nowMs: number;
}

/** How a job ends. First said as FailureTarget or SuccessCriteriaMet, then, once no pod runs any more, as Failed or Complete. */
export interface Ending {
  readonly type: "Failed" | "Complete";
  readonly reason: string;
  readonly message: string;
}

export interface Judgement {
  readonly active: readonly Pod[];
  /** Ended pods that were never counted before. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly completed: IndexSet;
  readonly failedIndexes: IndexSet;
  readonly backoff: BackoffRecord;
  readonly ending: Ending | undefined;
  readonly remove: readonly Pod[];
  readonly create: readonly NewPod[];
  readonly recheckMs: number | undefined;
}

/** One pod to make; with an index for an indexed job, and how often that index failed before. */
export interface NewPod {
  readonly index?: number;
  readonly retry?: IndexRetry;
}

/** Counts a job's pods, and decides whether it ends and which pods come and go. @upstream pkg/controller/job/job_controller.go syncJob */
export function judgeJob(state: JobState): Judgement {
  const { job, pods, nowMs } = state;
  const active = pods.filter(isPodActive);
  const { newSucceeded, newFailed } = newlyEnded(state);
  const uncounted = job.status?.uncountedTerminatedPods;
  const counting = newFailed.filter((pod) => matchFailurePolicy(job, pod).action !== "Ignore");
  const failed = (job.status?.failed ?? 0) + counting.length + (uncounted?.failed?.length ?? 0);
  const completions = job.spec.completions ?? 0;
  const indexed = isIndexed(job);
  const completed = indexed ? IndexSet.parse(job.status?.completedIndexes, completions).union(IndexSet.of(newSucceeded.map((pod) => indexOf(pod) ?? 0))) : IndexSet.empty;
  const succeeded = indexed ? completed.size : (job.status?.succeeded ?? 0) + newSucceeded.length + (uncounted?.succeeded?.length ?? 0);
  const lost = failedIndexes(job, newFailed);
  const backoff = recordEnds(state.backoff, { succeeded: newSucceeded, failed: newFailed }, nowMs);
  const counts = { active, newSucceeded, newFailed, succeeded, failed, completed, failedIndexes: lost, backoff };
  const ending = endingOf(state, counts);
  if (ending !== undefined) return { ...counts, ending, remove: active, create: [], recheckMs: undefined };
  const deadlineMs = deadlineLeftMs(job, nowMs);
  const mayManage = state.settled && job.metadata.deletionTimestamp === undefined;
  const moves = mayManage ? manage(state, counts) : { remove: [], create: [], waitMs: undefined };
  const left = active.length - moves.remove.length + moves.create.length;
  const complete = left === 0 && moves.waitMs === undefined && (job.spec.completions === undefined ? succeeded > 0 : succeeded >= completions);
  return {
    ...counts,
    ending: complete && !isSuspended(job) ? { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" } : undefined,
    remove: moves.remove,
    create: moves.create,
    recheckMs: earliest(deadlineMs, moves.waitMs),
  };
}

type Counts = Omit<Judgement, "ending" | "remove" | "create" | "recheckMs">;

function newlyEnded({ job, pods, released }: JobState): { readonly newSucceeded: readonly Pod[]; readonly newFailed: readonly Pod[] } {
  const uncounted = new Set([...(job.status?.uncountedTerminatedPods?.succeeded ?? []), ...(job.status?.uncountedTerminatedPods?.failed ?? [])]);
  const known = IndexSet.parse(job.status?.completedIndexes, job.spec.completions ?? 0);
  const fresh = pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? "") && !uncounted.has(pod.metadata.uid ?? "") && hasValidIndex(job, pod));
  return {
    newSucceeded: fresh.filter((pod) => pod.status?.phase === "Succeeded" && !(isIndexed(job) && known.has(indexOf(pod) ?? 0))),
    newFailed: fresh.filter((pod) => isPodFailed(job, pod)),
  };
}

function endingOf(state: JobState, counts: Counts): Ending | undefined {
  const { job, pods, nowMs } = state;
  const met = jobCondition(job, "SuccessCriteriaMet");
  if (met !== undefined) return { type: "Complete", reason: met.reason ?? "", message: met.message ?? "" };
  const target = jobCondition(job, "FailureTarget");
  if (target !== undefined) return { type: "Failed", reason: target.reason ?? "", message: target.message ?? "" };
  const fail = (reason: string, message: string): Ending => ({ type: "Failed", reason, message });
  if (job.spec.podFailurePolicy !== undefined) {
    for (const pod of pods) {
      const match = isPodFailed(job, pod) ? matchFailurePolicy(job, pod) : undefined;
      if (match?.action === "FailJob") return fail("PodFailurePolicy", match.message ?? "");
    }
  }
  const limit = job.spec.backoffLimit ?? 6;
  if (counts.failed > limit || restartsExceed(job, counts.active, limit)) return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  const deadline = deadlineLeftMs(job, nowMs);
  if (deadline !== undefined && deadline <= 0) return fail("DeadlineExceeded", "Job was active longer than specified deadline");
  if (retriesPerIndex(job) !== undefined) {
    const { maxFailedIndexes, completions = 0 } = job.spec;
    if (maxFailedIndexes !== undefined && counts.failedIndexes.size > maxFailedIndexes) {
      return fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    }
    if (counts.failedIndexes.size > 0 && counts.failedIndexes.size + counts.succeeded >= completions) return fail("FailedIndexes", "Job has failed indexes");
  }
  const rule = matchSuccessPolicy(job, counts.completed);
  return rule === undefined ? undefined : { type: "Complete", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
}

/** With restartPolicy OnFailure the kubelet restarts containers in place; these retries count instead of failed pods. */
function restartsExceed(job: Job, active: readonly Pod[], limit: number): boolean {
  if (job.spec.template.spec?.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of active) {
    if (status?.phase !== "Running" && status?.phase !== "Pending") continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function deadlineLeftMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || isSuspended(job)) return undefined;
  const started = job.status?.startTime;
  return (started === undefined ? nowMs : Date.parse(started)) + activeDeadlineSeconds * 1000 - nowMs;
}

/** Which pods come and go while the job runs. @upstream job_controller.go manageJob */
function manage(state: JobState, counts: Counts): { readonly remove: readonly Pod[]; readonly create: readonly NewPod[]; readonly waitMs: number | undefined } {
  const { job, pods, nowMs } = state;
  const { active, succeeded } = counts;
  if (isSuspended(job)) return { remove: active.slice(0, burst), create: [], waitMs: undefined };
  const { completions } = job.spec;
  const wanted = completions === undefined ? (succeeded > 0 ? active.length : parallelismOf(job)) : Math.max(0, Math.min(parallelismOf(job), completions - succeeded));
  const surplus = Math.max(0, active.length - wanted);
  const useless = isIndexed(job) ? uselessPods(job, active, counts) : [];
  const rest = active.filter((pod) => !useless.includes(pod));
  const remove = [...useless, ...rankForDeletion(rest, () => 0, nowMs).slice(0, Math.max(0, surplus - useless.length))];
  if (remove.length > 0) return { remove: remove.slice(0, burst), create: [], waitMs: undefined };
  const terminating = replacesOnlyFailed(job) ? pods.filter(isPodTerminating).length : 0;
  const room = Math.min(burst, wanted - active.length - terminating);
  if (room <= 0) return { remove: [], create: [], waitMs: undefined };
  if (retriesPerIndex(job) !== undefined) return pendingWithRetries(state, counts, room);
  const waitMs = backoffLeftMs(counts.backoff, nowMs);
  if (waitMs > 0) return { remove: [], create: [], waitMs };
  const create = isIndexed(job) ? pendingIndexes(state, counts, room).map((index) => ({ index })) : Array.from({ length: room }, () => ({}));
  return { remove: [], create, waitMs: undefined };
}

/** Pods of an index that is done or has a pod already, or of none. */
function uselessPods(job: Job, active: readonly Pod[], { completed, failedIndexes: lost }: Counts): readonly Pod[] {
  const seen = new Set<number>();
  const useless: Pod[] = [];
  for (const pod of [...active].sort((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1))) {
    const index = indexOf(pod);
    if (index === undefined || !hasValidIndex(job, pod) || completed.has(index) || lost.has(index) || seen.has(index)) useless.push(pod);
    else seen.add(index);
  }
  return useless;
}

/** The lowest indexes without a pod, and not done. */
function pendingIndexes({ job, pods }: JobState, { active, completed, failedIndexes: lost }: Counts, count: number): readonly number[] {
  const busy = new Set(active.map(indexOf));
  if (replacesOnlyFailed(job)) for (const pod of pods) if (isPodTerminating(pod)) busy.add(indexOf(pod));
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index += 1) {
    if (!busy.has(index) && !completed.has(index) && !lost.has(index)) free.push(index);
  }
  return free;
}

/** Each index waits for its own failures only. */
function pendingWithRetries(state: JobState, counts: Counts, room: number): ReturnType<typeof manage> {
  const { job, pods, nowMs } = state;
  const create: NewPod[] = [];
  let waitMs: number | undefined;
  for (const index of pendingIndexes(state, counts, job.spec.completions ?? 0)) {
    if (create.length >= room) break;
    const last = lastFailedOf(job, pods, index, nowMs);
    const retry = retryOf(job, last);
    const left =
      last === undefined ? 0 : backoffLeftMs(recordEnds({ ...noFailures, failures: retry.failures + retry.ignored - 1 }, { succeeded: [], failed: [last] }, nowMs), nowMs);
    if (left === 0) create.push({ index, retry });
    else waitMs = Math.min(waitMs ?? left, left);
  }
  return { remove: [], create, waitMs };
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
