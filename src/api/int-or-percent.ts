import type { FieldPath } from "../meta/field-path.ts";
import type { FieldError } from "../meta/status-error.ts";
import { percentErrors, validateNonnegative } from "../meta/validation.ts";

export type IntOrPercent = number | string;

/** A count of zero or more, or `25%`. @upstream pkg/apis/apps/validation/validation.go ValidatePositiveIntOrPercent */
export function validateIntOrPercent(value: IntOrPercent, path: FieldPath): FieldError[] {
  return typeof value === "number" ? validateNonnegative(value, path) : percentErrors(value).map((message) => path.invalid(value, message));
}

/** @upstream IsNotMoreThan100Percent */
export function validateWithin100Percent(value: IntOrPercent, path: FieldPath): FieldError[] {
  return typeof value === "string" && percentErrors(value).length === 0 && Number.parseInt(value, 10) > 100 ? [path.invalid(value, "must not be greater than 100%")] : [];
}

/** The number in it, of a percentage too; text that is neither counts as 0. */
export function numberIn(value: IntOrPercent): number {
  if (typeof value === "number") return value;
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? 0 : number;
}
