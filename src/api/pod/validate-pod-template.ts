import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateAnnotations, validateLabels } from "../../meta/validation.ts";
import type { PodSpec, PodTemplateSpec } from "../generated/types/core-v1.ts";
import { unsupported } from "./choice.ts";
import { validatePodAnnotations, validateProfileAnnotations } from "./validate-pod-annotations.ts";
import { validatePodSpec } from "./validate-pod-spec.ts";

const noSpec: PodSpec = { containers: [] };

/** @upstream pkg/apis/core/validation/validation.go ValidatePodTemplateSpec */
export function validatePodTemplate({ metadata = {}, spec = noSpec }: PodTemplateSpec, path: FieldPath): FieldError[] {
  const errors = [
    ...validateLabels(metadata.labels, path.child("labels")),
    ...validateAnnotations(metadata.annotations, path.child("annotations")),
    ...validatePodAnnotations(metadata.annotations, spec, path.child("annotations")),
    ...validatePodSpec(spec, {}, path.child("spec")),
    ...validateProfileAnnotations(metadata.annotations, spec, path.child("spec")),
  ];
  if ((spec.ephemeralContainers ?? []).length > 0) errors.push(path.child("spec", "ephemeralContainers").forbidden("ephemeral containers not allowed in pod template"));
  return errors;
}

/** What a controller keeps running never ends by itself: no other restart policy, no deadline. `owner` is the kind that messages name. */
export function validateLastingTemplate({ spec = noSpec }: PodTemplateSpec, owner: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.restartPolicy !== "Always") errors.push(unsupported(path.child("spec", "restartPolicy"), spec.restartPolicy ?? "", ["Always"]));
  if (spec.activeDeadlineSeconds !== undefined) errors.push(path.child("spec", "activeDeadlineSeconds").forbidden(`activeDeadlineSeconds in ${owner} is not Supported`));
  return errors;
}

/** The error of a selector that would not find the template's own pods. */
export function selectorMismatch(template: PodTemplateSpec | undefined, path: FieldPath): FieldError {
  return path.child("metadata", "labels").invalid(template?.metadata?.labels ?? {}, "`selector` does not match template `labels`");
}
