import { ageColumn, nameColumn } from "../columns.ts";
import { jobs } from "../generated/resources.ts";
import type { Job } from "../generated/types/batch-v1.ts";
import { kind } from "../kind.ts";
import { templateWarnings } from "../pod/pod-warnings.ts";
import { templateColumns } from "../workload-columns.ts";
import { selectorText } from "../workload-selector.ts";
import { jobDefaults } from "./job-defaults.ts";
import { generateJobSelector, validateJobSelector } from "./job-labels.ts";
import { validateJobStatusUpdate } from "./job-status-validation.ts";
import { jobCompletionsText, jobDurationText, jobStatusText } from "./job-text.ts";
import { validateJobUpdate } from "./job-update-validation.ts";
import { validateJob, validateJobName } from "./job-validation.ts";

/** @upstream pkg/registry/batch/job/strategy.go */
export const jobKind = kind<Job>({
  resource: jobs,
  categories: ["all"],
  generation: "spec",
  allowUnconditionalUpdate: true,
  defaults: jobDefaults,
  prepareCreate(draft) {
    draft.status = {};
    generateJobSelector(draft);
  },
  validate: validateJob,
  validateCreate: (job) => [...validateJobSelector(job), ...validateJobName(job)],
  validateUpdate: validateJobUpdate,
  validateStatusUpdate: validateJobStatusUpdate,
  warnings: (next, previous) => templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: jobStatusText },
    { name: "Completions", type: "string", value: jobCompletionsText },
    { name: "Duration", type: "string", value: (job, { nowMs }) => jobDurationText(job, nowMs) },
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec.template),
    { name: "Selector", type: "string", priority: 1, value: ({ spec }) => selectorText(spec.selector) },
  ],
  fieldSelectors: { "status.successful": (job) => String(job.status?.succeeded ?? 0) },
});
