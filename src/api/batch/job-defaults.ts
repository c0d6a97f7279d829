import type { Draft } from "../../base/values.ts";
import type { Job, JobSpec } from "../generated/types/batch-v1.ts";
import { podTemplateDefaults } from "../pod/pod-spec-defaults.ts";

const largestInt32 = 2 ** 31 - 1;

/** What a Job and the template of a CronJob are filled in with alike. */
export function jobTemplateDefaults(spec: Draft<JobSpec>): void {
  spec.template ??= {};
  podTemplateDefaults(spec.template);
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= "True";
}

/** @upstream pkg/apis/batch/v1/defaults.go SetDefaults_Job */
export function jobDefaults(draft: Draft<Job>): void {
  draft.metadata ??= {};
  draft.spec ??= { template: {} };
  const { spec, metadata } = draft;
  jobTemplateDefaults(spec);
  // Neither given means one pod; only parallelism means a work queue.
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : largestInt32;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  const labels = spec.template.metadata?.labels;
  if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}
