import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { append } from "../../meta/validation.ts";

/** @upstream pkg/apis/core/validation/validation.go validatePathNoBacksteps */
export function validateNoBacksteps(value: string, path: FieldPath): FieldError[] {
  // PERF: looked for as text first; hardly any path has two dots.
  return value.includes("..") && value.split("/").includes("..") ? [path.invalid(value, "must not contain '..'")] : [];
}

/** Stays below where it starts. @upstream validateLocalDescendingPath */
export function validateDescendingPath(value: string, path: FieldPath): FieldError[] {
  const errors = value.startsWith("/") ? [path.invalid(value, "must be a relative path")] : [];
  append(errors, validateNoBacksteps(value, path));
  return errors;
}

/** For names of files that a volume writes: `..data` is the volume's own. @upstream ValidateLocalNonReservedPath */
export function validateFilePath(value: string, path: FieldPath): FieldError[] {
  const errors = validateDescendingPath(value, path);
  if (value.startsWith("..") && !value.startsWith("../")) errors.push(path.invalid(value, "must not start with '..'"));
  return errors;
}
