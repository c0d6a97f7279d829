import { humanDuration } from "../../meta/human-duration.ts";
import type { Job } from "../generated/types/batch-v1.ts";
import { jobConditionIs } from "./job-status-validation.ts";

/** @upstream pkg/printers/internalversion/printers.go printJob */
export function jobStatusText(job: Job): string {
  if (jobConditionIs(job, "Complete")) return "Complete";
  if (jobConditionIs(job, "Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find((type) => jobConditionIs(job, type)) ?? "Running";
}

/** `2/5`, or for a work queue `0/1 of 3`. */
export function jobCompletionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`;
}

/** How long it ran or has been running; "" before it starts. */
export function jobDurationText({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return "";
  const end = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime);
  return humanDuration(end - Date.parse(status.startTime));
}
