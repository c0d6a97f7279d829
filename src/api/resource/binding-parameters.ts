import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkQualifiedName } from "../field-checks.ts";
import { checkList } from "./lists.ts";

const maxConditions = 4;

export interface BindingParameters {
  readonly bindingConditions?: readonly string[] | undefined;
  readonly bindingFailureConditions?: readonly string[] | undefined;
}

/** What has to be met, or must not come true, before a pod is bound: both or neither. @upstream validateDeviceBindingParameters */
export function* checkBindingParameters(path: FieldPath, { bindingConditions = [], bindingFailureConditions = [] }: BindingParameters): Iterable<FieldError> {
  const met = path.child("bindingConditions");
  const failed = path.child("bindingFailureConditions");
  yield* checkList(met, bindingConditions, maxConditions, checkQualifiedName);
  yield* checkList(failed, bindingFailureConditions, maxConditions, checkQualifiedName);
  for (const [index, condition] of bindingConditions.entries()) if (bindingConditions.indexOf(condition) < index) yield met.index(index).duplicate(condition);
  for (const [index, condition] of bindingFailureConditions.entries()) {
    if (bindingFailureConditions.indexOf(condition) < index) yield failed.index(index).duplicate(condition);
    if (bindingConditions.includes(condition)) yield failed.index(index).invalid(condition, "bindingFailureConditions must not overlap with bindingConditions");
  }
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0) yield met.invalid(bindingConditions, "bindingConditions are required to use bindingFailureConditions");
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0)
    yield failed.invalid(bindingFailureConditions, "bindingFailureConditions are required to use bindingConditions");
}
