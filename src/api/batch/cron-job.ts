import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { utf8Length } from "../../meta/validation.ts";
import { ageColumn, nameColumn, since } from "../columns.ts";
import { cronJobs } from "../generated/resources.ts";
import type { CronJob } from "../generated/types/batch-v1.ts";
import { kind } from "../kind.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { countColumn, templateColumns, textColumn } from "../workload-columns.ts";
import { selectorText } from "../workload-selector.ts";
import { validateCronJob, validateCronJobCreate, validateCronJobUpdate } from "./cron-job-validation.ts";
import { jobTemplateDefaults } from "./job-defaults.ts";

/** A job's name adds eleven bytes: `-` and the minute of its time. */
const maxName = 52;

/** @upstream pkg/registry/batch/cronjob/strategy.go */
export const cronJobKind = kind<CronJob>({
  resource: cronJobs,
  shortNames: ["cj"],
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= { schedule: "", jobTemplate: {} };
    const { spec } = draft;
    spec.jobTemplate ??= {};
    spec.jobTemplate.metadata ??= {};
    spec.jobTemplate.spec ??= { template: {} };
    jobTemplateDefaults(spec.jobTemplate.spec);
    spec.concurrencyPolicy ||= "Allow";
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
  },
  validate: validateCronJob,
  validateCreate: (cronJob): FieldError[] => [
    ...validateCronJobCreate(cronJob),
    ...(utf8Length(cronJob.metadata.name ?? "") > maxName ? [new FieldPath("metadata.name").invalid(cronJob.metadata.name, `must be no more than ${maxName} characters`)] : []),
  ],
  validateUpdate: validateCronJobUpdate,
  *warnings(next, previous) {
    if ((previous === undefined || previous.spec.schedule !== next.spec.schedule) && next.spec.schedule.includes("TZ"))
      yield "cannot use TZ or CRON_TZ in spec.schedule, use timeZone instead";
    yield* templateWarnings(next.spec.jobTemplate.spec?.template, previous?.spec.jobTemplate.spec?.template, "spec.jobTemplate.spec.template");
  },
  columns: [
    nameColumn,
    { name: "Schedule", type: "string", value: ({ spec }) => spec.schedule },
    textColumn("Timezone", ({ spec }) => spec.timeZone),
    { name: "Suspend", type: "boolean", value: ({ spec }) => (spec.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False") },
    countColumn("Active", ({ status }) => status?.active?.length),
    { name: "Last Schedule", type: "string", value: ({ status }, { nowMs }) => (status?.lastScheduleTime === undefined ? "<none>" : since(status.lastScheduleTime, nowMs)) },
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec.jobTemplate.spec?.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => selectorText(spec.jobTemplate.spec?.selector) },
  ],
});
