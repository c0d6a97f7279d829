import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { Job } from "../generated/types/batch-v1.ts";

export const controllerUidLabel = "batch.kubernetes.io/controller-uid";
export const jobNameLabel = "batch.kubernetes.io/job-name";
const legacyControllerUidLabel = "controller-uid";
const legacyJobNameLabel = "job-name";

function expectedLabels({ uid = "", name = "" }: Job["metadata"]): { readonly [key: string]: string } {
  return { [legacyControllerUidLabel]: uid, [legacyJobNameLabel]: name, [controllerUidLabel]: uid, [jobNameLabel]: name };
}

/**
 * Labels the job's pods and selects them by the job's uid, unless the user chose a selector. The uid and the name must be
 * set. Labels that are there already stay: a wrong one is refused by validation. @upstream pkg/registry/batch/job/strategy.go generateSelector
 */
export function generateJobSelector({ spec, metadata }: Draft<Job>): void {
  if (spec.manualSelector === true) return;
  spec.template.metadata = { ...spec.template.metadata, labels: { ...expectedLabels(metadata), ...spec.template.metadata?.labels } };
  spec.selector = { ...spec.selector, matchLabels: { [controllerUidLabel]: metadata.uid ?? "", ...spec.selector?.matchLabels } };
}

const template = new FieldPath("spec.template.metadata.labels");

/** @upstream pkg/apis/batch/validation/validation.go validateGeneratedSelector */
export function validateJobSelector({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const errors: FieldError[] = (metadata.uid ?? "") === "" ? [new FieldPath("metadata.uid").required()] : [];
  const labels = spec.template.metadata?.labels ?? {};
  const expected = expectedLabels(metadata);
  for (const [key, value] of Object.entries(expected)) {
    const actual = labels[key];
    if (actual === undefined) errors.push(template.key(key).required(`must be '${value}'`));
    else if (actual !== value) errors.push(template.key(key).invalid(labels, `must be '${value}'`));
  }
  if (!matches(spec.selector, expected)) errors.push(new FieldPath("spec.selector").invalid(spec.selector, "`selector` not auto-generated"));
  return errors;
}

/** A selector that is not valid is somebody else's error. */
function matches(selector: Job["spec"]["selector"], labels: { readonly [key: string]: string }): boolean {
  try {
    return LabelSelector.of(selector).matches(labels);
  } catch {
    return true;
  }
}
