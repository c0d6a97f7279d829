import { FieldPath } from "../../meta/field-path.ts";
import { type FieldError, omittedValue } from "../../meta/status-error.ts";
import type { Job, JobStatus } from "../generated/types/batch-v1.ts";
import { validateCounts } from "../replica-counts.ts";
import { type IndexRange, IndexRangesError, parseIndexRanges, sharedIndex } from "./index-ranges.ts";

const path = new FieldPath("status");
const conditions = path.child("conditions");
const none: JobStatus = {};

export const jobConditionIs = ({ status = none }: Pick<Job, "status">, wanted: string): boolean =>
  status.conditions?.some(({ type, status }) => type === wanted && status === "True") === true;

/** Has ended, well or not. */
export const isJobFinished = (job: Pick<Job, "status">): boolean => jobConditionIs(job, "Complete") || jobConditionIs(job, "Failed");

/** What a job's status may say and how it may go on. @upstream pkg/apis/batch/validation/validation.go ValidateJobStatusUpdate */
export function validateJobStatusUpdate(next: Job, previous: Job): FieldError[] {
  const { status = none, spec } = next;
  const before = previous.status ?? none;
  const errors = [
    ...validateCounts(status, ["active", "succeeded", "failed", "ready", "terminating"], path),
    ...validateUncounted(status),
    ...validateConditions(next),
    ...validateTimes(next),
    ...validateIndexes(next),
  ];
  const refuse = (field: keyof JobStatus, detail: string): void => {
    errors.push(path.child(field).invalid(status[field], detail));
  };
  for (const type of ["Failed", "Complete", "FailureTarget"])
    if (jobConditionIs(previous, type) && !jobConditionIs(next, type)) errors.push(conditions.invalid(omittedValue, `cannot disable the terminal ${type}=True condition`));
  if ((status.failed ?? 0) < (before.failed ?? 0)) errors.push(path.child("failed").invalid(status.failed ?? 0, "cannot decrease the failed counter"));
  if ((status.succeeded ?? 0) < (before.succeeded ?? 0)) errors.push(path.child("succeeded").invalid(status.succeeded ?? 0, "cannot decrease the succeeded counter"));
  if (status.completionTime !== undefined && before.completionTime !== undefined && status.completionTime !== before.completionTime)
    refuse("completionTime", "completionTime cannot be mutated");
  // One that is resumed starts over.
  const isResumed = jobConditionIs(previous, "Suspended") && !jobConditionIs(next, "Suspended");
  if (before.startTime !== undefined && before.startTime !== status.startTime && spec.suspend !== true && !isResumed)
    errors.push(path.child("startTime").required("startTime cannot be removed for unsuspended job"));
  if (jobConditionIs(previous, "SuccessCriteriaMet") && !jobConditionIs(next, "SuccessCriteriaMet"))
    errors.push(conditions.invalid(omittedValue, "cannot disable the SuccessCriteriaMet=True condition"));
  if (jobConditionIs(previous, "Complete") && !jobConditionIs(previous, "SuccessCriteriaMet") && jobConditionIs(next, "SuccessCriteriaMet"))
    errors.push(conditions.invalid(omittedValue, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"));
  if (isJobFinished(next)) {
    if ((status.active ?? 0) > 0) refuse("active", "active>0 is invalid for finished job");
    if ((status.terminating ?? 0) > 0) refuse("terminating", "terminating>0 is invalid for finished job");
    const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {};
    if (failed.length + succeeded.length > 0) refuse("uncountedTerminatedPods", "uncountedTerminatedPods needs to be empty for finished job");
  }
  if ((status.ready ?? 0) > (status.active ?? 0)) refuse("ready", "cannot set more ready pods than active");
  return errors;
}

function validateUncounted({ uncountedTerminatedPods }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (uncountedTerminatedPods?.[list] ?? []).flatMap((uid, index) => {
      const place = path.child("uncountedTerminatedPods", list).index(index);
      if (uid === "") return [place.invalid(uid, "must not be empty")];
      if (seen.has(uid)) return [place.duplicate(uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** Which conditions go together. */
function validateConditions(job: Job): FieldError[] {
  const [complete, failed, target, success] = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"].map((type) => jobConditionIs(job, type));
  const wrong: readonly (readonly [condition: boolean | undefined, detail: string])[] = [
    [complete === true && failed === true, "cannot set Complete=True and Failed=true conditions"],
    [complete === true && target === true, "cannot set Complete=True and FailureTarget=true conditions"],
    [failed === true && target !== true, "cannot set Failed=True condition without the FailureTarget=true condition"],
    [complete === true && success !== true, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"],
    [success === true && failed === true, "cannot set SuccessCriteriaMet=True and Failed=true conditions"],
    [success === true && target === true, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"],
    [job.spec.successPolicy !== undefined && success !== true && complete === true, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"],
  ];
  return wrong.filter(([condition]) => condition === true).map(([, detail]) => conditions.invalid(omittedValue, detail));
}

function validateTimes(job: Job): FieldError[] {
  const { completionTime, startTime } = job.status ?? none;
  const complete = jobConditionIs(job, "Complete");
  const errors: FieldError[] = [];
  if (completionTime !== undefined && !complete)
    errors.push(path.child("completionTime").invalid(completionTime, "cannot set completionTime when there is no Complete=True condition"));
  if (completionTime === undefined && complete) errors.push(path.child("completionTime").required("completionTime is required for Complete jobs"));
  if (completionTime !== undefined && startTime !== undefined && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(path.child("completionTime").invalid(completionTime, "completionTime cannot be set before startTime"));
  if (startTime === undefined && isJobFinished(job)) errors.push(path.child("startTime").required("startTime is required for finished job"));
  return errors;
}

/** An index has completed or failed, not both. */
function validateIndexes({ spec, status = none }: Job): FieldError[] {
  const errors: FieldError[] = [];
  const parse = (field: "completedIndexes" | "failedIndexes", text: string): readonly IndexRange[] => {
    if (spec.completions === undefined) return [];
    try {
      return parseIndexRanges(text, spec.completions);
    } catch (error) {
      if (!(error instanceof IndexRangesError)) throw error;
      errors.push(path.child(field).invalid(text, `error parsing ${field}: ${error.message}`));
      return [];
    }
  };
  const { completedIndexes = "", failedIndexes } = status;
  const completed = parse("completedIndexes", completedIndexes);
  const failed = failedIndexes === undefined ? [] : parse("failedIndexes", failedIndexes);
  if (completedIndexes !== "" && spec.completionMode !== "Indexed")
    errors.push(path.child("completedIndexes").invalid(completedIndexes, "cannot set non-empty completedIndexes when non-indexed completion mode"));
  if (failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(path.child("failedIndexes").invalid(failedIndexes, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
  const shared = sharedIndex(completed, failed);
  if (shared !== undefined) errors.push(path.child("failedIndexes").invalid(failedIndexes, `failedIndexes and completedIndexes overlap at index: ${shared}`));
  return errors;
}
