import type { FieldPath } from "../../meta/field-path.ts";
import { type FieldError, omittedValue } from "../../meta/status-error.ts";
import { invalidEach, qualifiedNameErrors } from "../../meta/validation.ts";
import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule } from "../generated/types/batch-v1.ts";
import type { Unchecked } from "../unchecked.ts";

const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;
const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const statuses = ["False", "True", "Unknown"];

/** `place` is that of the rules. @upstream pkg/apis/batch/validation/validation.go validatePodFailurePolicy */
export function validatePodFailurePolicy(spec: JobSpec, place: FieldPath): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const errors = rules.length > maxRules ? [place.tooMany(rules.length, maxRules)] : [];
  const podSpec = spec.template?.spec;
  const names = new Set([...(podSpec?.containers ?? []), ...(podSpec?.initContainers ?? [])].map(({ name }) => name));
  for (const [index, rule] of rules.entries()) errors.push(...validateRule(rule, spec.backoffLimitPerIndex !== undefined, names, place.index(index)));
  return errors;
}

function validateRule(
  { action = "", onExitCodes, onPodConditions = [] }: Unchecked<PodFailurePolicyRule>,
  perIndex: boolean,
  names: ReadonlySet<string>,
  place: FieldPath,
): FieldError[] {
  const errors = validateWord(action, actions, place.child("action"));
  if (action === "FailIndex" && !perIndex) errors.push(place.child("action").invalid(action, "requires the backoffLimitPerIndex to be set"));
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(onExitCodes, names, place.child("onExitCodes")));
  errors.push(...validateConditions(onPodConditions, place.child("onPodConditions")));
  if (onExitCodes !== undefined && onPodConditions.length > 0) errors.push(place.invalid(omittedValue, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (onExitCodes === undefined && onPodConditions.length === 0) errors.push(place.invalid(omittedValue, "specifying one of OnExitCodes and OnPodConditions is required"));
  return errors;
}

function validateExitCodes(requirement: Unchecked<PodFailurePolicyOnExitCodesRequirement>, names: ReadonlySet<string>, place: FieldPath): FieldError[] {
  const { operator = "", containerName, values = [] } = requirement;
  const errors = validateWord(operator, operators, place.child("operator"));
  if (containerName !== undefined && !names.has(containerName))
    errors.push(place.child("containerName").invalid(containerName, "must be one of the container or initContainer names in the pod template"));
  const list = place.child("values");
  if (values.length === 0) errors.push(list.invalid(values, "at least one value is required"));
  else if (values.length > maxExitCodes) errors.push(list.tooMany(values.length, maxExitCodes));
  for (const [index, value] of values.entries()) {
    if (operator === "In" && value === 0) errors.push(list.index(index).invalid(value, "must not be 0 for the In operator"));
    if (values.indexOf(value) < index) errors.push(list.index(index).duplicate(value));
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] ?? 0) > value)) errors.push(list.invalid(values, "must be ordered"));
  return errors;
}

function validateConditions(patterns: readonly Unchecked<PodFailurePolicyOnPodConditionsPattern>[], place: FieldPath): FieldError[] {
  const errors = patterns.length > maxConditions ? [place.tooMany(patterns.length, maxConditions)] : [];
  for (const [index, { type = "", status = "" }] of patterns.entries())
    errors.push(...invalidEach(place.index(index).child("type"), type, qualifiedNameErrors(type)), ...validateWord(status, statuses, place.index(index).child("status")));
  return errors;
}

/** A word left out is told which there are, in Go's way of writing a list. */
function validateWord(word: string, words: readonly string[], place: FieldPath): FieldError[] {
  if (word === "") return [place.required(`valid values: [${words.map((choice) => JSON.stringify(choice)).join(" ")}]`)];
  return words.includes(word) ? [] : [place.notSupported(word, words)];
}
