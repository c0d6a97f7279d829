import type { Pod } from "../../api/generated/types/core-v1.ts";
import { finishedMs } from "./job-spec.ts";

/** Failures since the last success, and when the last one was (milliseconds since the epoch). */
export interface BackoffRecord {
  readonly failures: number;
  readonly lastFailureMs: number | undefined;
}

export const noFailures: BackoffRecord = { failures: 0, lastFailureMs: undefined };
const baseMs = 10_000;
const maxMs = 600_000;

/** The record after more pods have ended; a success starts it over. @upstream pkg/controller/job/backoff_utils.go */
export function recordEnds(before: BackoffRecord, ended: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] }, nowMs: number): BackoffRecord {
  const failedAt = ended.failed.map((pod) => finishedMs(pod, nowMs));
  const lastSuccess = ended.succeeded.reduce<number | undefined>((latest, pod) => Math.max(latest ?? 0, finishedMs(pod, nowMs)), undefined);
  const kept = lastSuccess === undefined ? failedAt : failedAt.filter((at) => at > lastSuccess);
  const failures = (lastSuccess === undefined ? before.failures : 0) + kept.length;
  const lastFailureMs = [before.lastFailureMs, ...failedAt].reduce((latest, at) => (at !== undefined && (latest === undefined || at > latest) ? at : latest), undefined);
  return failures === 0 ? noFailures : { failures, lastFailureMs };
}

/** Milliseconds until the next pod may be made: 10 s after the first failure, twice as long after each further one, 10 min at most. */
export function backoffLeftMs({ failures, lastFailureMs }: BackoffRecord, nowMs: number): number {
  if (failures === 0 || lastFailureMs === undefined) return 0;
  return Math.max(0, lastFailureMs + Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 20)) - nowMs);
}
