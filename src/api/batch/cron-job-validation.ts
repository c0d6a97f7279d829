import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateNonnegative } from "../../meta/validation.ts";
import type { CronJob, CronJobSpec, JobSpec } from "../generated/types/batch-v1.ts";
import type { Unchecked } from "../unchecked.ts";
import { isBlank, unsupported, validateChoice } from "../pod/choice.ts";
import { CronError, CronSchedule } from "./cron-schedule.ts";
import { validateJobSpec } from "./job-validation.ts";
import { isTimeZone } from "./time-zone.ts";

const path = new FieldPath("spec");
const noJob: JobSpec = { template: {} };

/** What holds of every schedule; zones are looked at where they are new. @upstream pkg/apis/batch/validation/validation.go validateCronJobSpec */
export function validateCronJob({ spec }: CronJob): FieldError[] {
  const errors = isBlank(spec.schedule) ? [path.child("schedule").required()] : validateSchedule(spec.schedule);
  errors.push(
    ...validateNonnegative(spec.startingDeadlineSeconds ?? 0, path.child("startingDeadlineSeconds")),
    ...validateChoice(spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"], path.child("concurrencyPolicy")),
  );
  const place = path.child("jobTemplate", "spec");
  const { spec: job = noJob } = spec.jobTemplate ?? {};
  errors.push(...validateJobSpec(job, place));
  if (job.selector !== undefined) errors.push(place.child("selector").invalid(job.selector, "`selector` will be auto-generated"));
  if (job.manualSelector === true) errors.push(unsupported(place.child("manualSelector"), true, ["nil", "false"]));
  for (const field of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const) errors.push(...validateNonnegative(spec[field] ?? 0, path.child(field)));
  return errors;
}

export function validateCronJobCreate({ spec }: CronJob): FieldError[] {
  return [...validateZoneInSchedule(spec, false), ...validateTimeZone(spec.timeZone)];
}

/** A zone written in an old schedule may stay. */
export function validateCronJobUpdate(next: CronJob, previous: CronJob): FieldError[] {
  const errors = validateZoneInSchedule(next.spec, previous.spec.schedule.includes("TZ"));
  return next.spec.timeZone === previous.spec.timeZone ? errors : [...errors, ...validateTimeZone(next.spec.timeZone)];
}

function validateSchedule(schedule: string): FieldError[] {
  try {
    CronSchedule.parse(schedule);
    return [];
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    return [path.child("schedule").invalid(schedule, error.message)];
  }
}

function validateZoneInSchedule({ schedule = "", timeZone }: Unchecked<CronJobSpec>, allowed: boolean): FieldError[] {
  const place = path.child("schedule");
  if (!schedule.includes("TZ")) return [];
  if (!allowed) return [place.invalid(schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")];
  return timeZone === undefined ? [] : [place.invalid(schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")];
}

/** A file name of the zone database: its parts are short and plain. */
const zonePart = /^[A-Za-z._0-9+][A-Za-z._\-0-9+]{0,13}$/;

function validateTimeZone(zone: string | undefined): FieldError[] {
  const place = path.child("timeZone");
  if (zone === undefined) return [];
  if (zone === "") return [place.invalid(zone, "timeZone must be nil or non-empty string")];
  if (zone.split("/").some((part) => part === "." || part === ".." || !zonePart.test(part))) return [place.invalid(zone, `unknown time zone ${zone}`)];
  if (zone.toLowerCase() === "local") return [place.invalid(zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")];
  return isTimeZone(zone) ? [] : [place.invalid(zone, `unknown time zone ${zone}`)];
}
