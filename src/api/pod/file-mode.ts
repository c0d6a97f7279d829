import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

/** Permission bits of a file that a volume writes. */
export function validateFileMode(mode: number | undefined, path: FieldPath): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [path.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive")] : [];
}
