import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { invalidEach, labelValueErrors } from "../../meta/validation.ts";
import { checkQualifiedName } from "../field-checks.ts";
import type { DeviceTaint, DeviceToleration } from "../generated/types/resource-v1.ts";
import { unchecked } from "../unchecked.ts";

const effects = ["NoExecute", "NoSchedule", "None"];

/** @upstream validateDeviceTaint */
export function* checkDeviceTaint(path: FieldPath, taint: DeviceTaint): Iterable<FieldError> {
  const { key = "", value = "", effect = "" } = unchecked(taint);
  yield* checkQualifiedName(path.child("key"), key);
  if (value !== "") yield* invalidEach(path.child("value"), value, labelValueErrors(value));
  if (effect === "") yield path.child("effect").required();
  else if (!effects.includes(effect)) yield path.child("effect").notSupported(effect, effects);
}

/** @upstream validateDeviceToleration */
export function* checkDeviceToleration(path: FieldPath, { key = "", operator = "", value = "", effect = "" }: DeviceToleration): Iterable<FieldError> {
  if (key !== "") yield* checkQualifiedName(path.child("key"), key);
  if (operator === "Exists") {
    if (value !== "") yield path.child("value").invalid(value, "must be empty for operator `Exists`");
  } else if (operator === "Equal") yield* invalidEach(path.child("value"), value, labelValueErrors(value));
  else if (operator === "") yield path.child("operator").required();
  else yield path.child("operator").notSupported(operator, ["Equal", "Exists"]);
  if (effect !== "" && !effects.includes(effect)) yield path.child("effect").notSupported(effect, effects);
}
