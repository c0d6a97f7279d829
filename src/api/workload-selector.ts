import type { FieldPath } from "../meta/field-path.ts";
import type { LabelSelector as LabelSelectorSpec } from "../meta/generated/meta-v1.ts";
import { LabelSelector } from "../meta/label-selector.ts";
import type { FieldError } from "../meta/status-error.ts";
import { validateLabelSelector } from "../meta/validation.ts";
import type { PodTemplateSpec } from "./generated/types/core-v1.ts";
import { selectorMismatch } from "./pod/validate-pod-template.ts";

/** Undefined when the selector is not valid; one that is absent selects nothing. */
function parseSelector(selector: LabelSelectorSpec | undefined): LabelSelector | undefined {
  try {
    return LabelSelector.of(selector);
  } catch {
    return undefined;
  }
}

/** Whether a workload's selector finds pods with the template's labels; false when it is not valid. */
export function selectsTemplate(selector: LabelSelectorSpec | undefined, template: PodTemplateSpec | undefined): boolean {
  return parseSelector(selector)?.matches(template?.metadata?.labels ?? {}) === true;
}

/**
 * The selector of a workload: required, valid, not empty, and true of its own template's labels. `owner` is how the
 * message about an empty one names the kind. @upstream pkg/apis/apps/validation/validation.go
 */
export function validateWorkloadSelector(
  { selector, template }: { readonly selector?: LabelSelectorSpec | undefined; readonly template?: PodTemplateSpec | undefined },
  owner: string,
  path: FieldPath,
): FieldError[] {
  const place = path.child("selector");
  const errors = selector === undefined ? [place.required()] : validateLabelSelector(selector, place);
  const parsed = parseSelector(selector);
  if (selector !== undefined && parsed?.matchesEverything === true) errors.push(place.invalid(selector, `empty selector is invalid for ${owner}`));
  if (parsed === undefined) errors.push(place.invalid(selector, "invalid label selector"));
  else if (!parsed.matchesEverything && !parsed.matches(template?.metadata?.labels ?? {})) errors.push(selectorMismatch(template, path.child("template")));
  return errors;
}

/** As `kubectl get -o wide` shows it: `app=web,tier in (a,b)`. @upstream apimachinery/pkg/apis/meta/v1/helpers.go FormatLabelSelector */
export function selectorText(selector: LabelSelectorSpec | undefined): string {
  const parsed = parseSelector(selector);
  if (parsed === undefined) return "<error>";
  return parsed.toString() || "<none>";
}

/** As the scale subresource tells it: "" when there is none. */
export const scaleSelector = (selector: LabelSelectorSpec | undefined): string => parseSelector(selector)?.toString() ?? "";
