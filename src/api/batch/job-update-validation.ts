import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateImmutable } from "../../meta/validation.ts";
import type { Job } from "../generated/types/batch-v1.ts";
import type { Affinity, Container, PodTemplateSpec } from "../generated/types/core-v1.ts";

const path = new FieldPath("spec");
const immutable = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] as const;

/** @upstream pkg/apis/batch/validation/validation.go ValidateJobSpecUpdate */
export function validateJobUpdate(next: Job, previous: Job): FieldError[] {
  const errors = validateCompletions(next, previous);
  const template = isAtRest(previous) ? withSchedulingOf(previous.spec.template, next.spec.template) : previous.spec.template;
  if (!deepEqual(next.spec.template, template)) errors.push(path.child("template").invalid(next.spec.template, "field is immutable"));
  for (const field of immutable) errors.push(...validateImmutable(next.spec[field], previous.spec[field], path.child(field)));
  return errors;
}

/** An Indexed Job grows and shrinks when its parallelism goes with it. */
function validateCompletions({ spec: next }: Job, { spec: previous }: Job): FieldError[] {
  const place = path.child("completions");
  if (next.completionMode !== "Indexed") return validateImmutable(next.completions, previous.completions, place);
  if (next.completions === undefined || next.completions === previous.completions || next.completions === next.parallelism) return [];
  return [place.invalid(next.completions, "can only be modified in tandem with spec.parallelism")];
}

/** Suspended, and none of its pods runs: it may still be sent elsewhere. @upstream pkg/registry/batch/job/strategy.go jobValidationOptions */
function isAtRest({ spec, status }: Job): boolean {
  if (spec.suspend !== true) return false;
  const suspended = status?.conditions?.some(({ type, status }) => type === "Suspended" && status === "True") === true;
  return status?.startTime === undefined || (suspended && (status.active ?? 0) === 0);
}

/** The old template with what says where pods go, and what they need there, taken from the new one. */
function withSchedulingOf(previous: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  if (previous.spec === undefined || next.spec === undefined) return previous;
  const { nodeSelector, tolerations, schedulingGates } = next.spec;
  const resources = (before: readonly Container[] | undefined, now: readonly Container[] | undefined) =>
    before?.map((container) => ({ ...container, resources: now?.find(({ name }) => name === container.name)?.resources ?? container.resources }));
  return {
    ...previous,
    metadata: { ...previous.metadata, labels: next.metadata?.labels, annotations: next.metadata?.annotations },
    spec: {
      ...previous.spec,
      nodeSelector,
      tolerations,
      schedulingGates,
      affinity: withNodeAffinity(previous.spec.affinity, next.spec.affinity),
      containers: resources(previous.spec.containers, next.spec.containers) ?? [],
      initContainers: resources(previous.spec.initContainers, next.spec.initContainers),
    },
  };
}

function withNodeAffinity(previous: Affinity | undefined, next: Affinity | undefined): Affinity | undefined {
  const affinity: Affinity = { ...previous, nodeAffinity: next?.nodeAffinity };
  const isEmpty = Object.values(affinity).every((value) => value === undefined);
  return isEmpty && next === undefined ? undefined : affinity;
}
