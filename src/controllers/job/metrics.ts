import type { Job } from "../../api/generated/types/batch-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { exponentialBuckets, type Metrics } from "../../base/metrics.ts";
import { matchRules } from "./failure-policy.ts";
import { IndexSet } from "./index-set.ts";
import { isIndexed, isTracked, retriesPerIndex } from "./job-spec.ts";

export type SyncAction = "reconciling" | "tracking" | "pods_created" | "pods_deleted";

const mode = (job: Job): string => (isIndexed(job) ? "Indexed" : "NonIndexed");
const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

/** @upstream pkg/controller/job/metrics/metrics.go */
export class JobMetrics {
  readonly #syncs;
  readonly #durations;
  readonly #finished;
  readonly #pods;
  readonly #made;
  readonly #policies;
  readonly #indexes;
  readonly #tracked;
  readonly #elsewhere;

  constructor(metrics: Metrics) {
    const sync = ["completion_mode", "result", "action"];
    this.#syncs = metrics.counter("job_controller_job_syncs_total", "Jobs looked at", sync);
    this.#durations = metrics.histogram("job_controller_job_sync_duration_seconds", "How long looking at a job takes", exponentialBuckets(0.004, 2, 15), sync);
    this.#finished = metrics.counter("job_controller_jobs_finished_total", "Jobs that ended", ["completion_mode", "result", "reason"]);
    this.#pods = metrics.counter("job_controller_job_pods_finished_total", "Ended pods that were counted", ["completion_mode", "result"]);
    this.#made = metrics.counter("job_controller_job_pods_creation_total", "Pods made, by why they were", ["reason", "status"]);
    this.#policies = metrics.counter("job_controller_pod_failures_handled_by_failure_policy_total", "Failed pods that a rule of a failure policy is about", ["action"]);
    this.#indexes = metrics.counter("job_controller_job_finished_indexes_total", "Indexes that ended", ["status", "backoffLimit"]);
    this.#tracked = metrics.counter("job_controller_terminated_pods_tracking_finalizer_total", "Ended pods that got or lost the finalizer by which jobs count them", ["event"]);
    this.#elsewhere = metrics.counter("job_controller_jobs_by_external_controller_total", "Jobs that others manage", ["controller_name"]);
  }

  synced(job: Job, action: SyncAction, isDone: boolean, seconds: number): void {
    const labels = [mode(job), isDone ? "success" : "error", action];
    this.#syncs.inc(labels);
    this.#durations.observe(seconds, labels);
  }

  made(job: Job, counts: { readonly made: number; readonly refused: number }): void {
    const { failed = 0, terminating = 0 } = job.status ?? {};
    const policy = job.spec.podReplacementPolicy;
    const isAgain = policy === "Failed" ? failed > 0 : policy === "TerminatingOrFailed" && failed + terminating > 0;
    const reason = !isAgain ? "new" : policy === "Failed" ? "recreate_failed" : "recreate_terminating_or_failed";
    if (counts.made > 0) this.#made.inc([reason, "succeeded"], counts.made);
    if (counts.refused > 0) this.#made.inc([reason, "failed"], counts.refused);
  }

  /** What the new status counts beyond the old one. */
  counted(job: Job, status: Job["status"], newFailed: readonly Pod[]): void {
    const succeeded = (status?.succeeded ?? 0) - (job.status?.succeeded ?? 0);
    const failed = (status?.failed ?? 0) - (job.status?.failed ?? 0);
    if (succeeded > 0) this.#pods.inc([mode(job), "succeeded"], succeeded);
    if (failed > 0) this.#pods.inc([mode(job), "failed"], failed);
    if (job.spec.podFailurePolicy !== undefined)
      for (const pod of newFailed) {
        const match = matchRules(job, pod);
        if (match !== undefined) this.#policies.inc([match.action]);
      }
    if (!isIndexed(job)) return;
    const limit = retriesPerIndex(job) === undefined ? "global" : "perIndex";
    if (succeeded > 0) this.#indexes.inc(["succeeded", limit], succeeded);
    const sizeOf = (text: string | undefined): number => IndexSet.parse(text, job.spec.completions ?? 0).size;
    const failedIndexes = sizeOf(status?.failedIndexes) - sizeOf(job.status?.failedIndexes);
    if (failedIndexes > 0) this.#indexes.inc(["failed", limit], failedIndexes);
  }

  finished(job: Job, { type, reason }: { readonly type: "Failed" | "Complete"; readonly reason: string }): void {
    this.#finished.inc(type === "Complete" ? [mode(job), "succeeded", ""] : [mode(job), "failed", reason]);
  }

  /** Of any pod, at each of its changes. */
  podChanged(previous: Pod | undefined, pod: Pod | undefined): void {
    const before = previous !== undefined && isTracked(previous) && isOver(previous);
    const now = pod !== undefined && isTracked(pod) && isOver(pod);
    if (before !== now) this.#tracked.inc([now ? "add" : "delete"]);
  }

  managedElsewhere(controller: string): void {
    this.#elsewhere.inc([controller]);
  }
}
