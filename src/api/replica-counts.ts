import type { FieldPath } from "../meta/field-path.ts";
import type { FieldError } from "../meta/status-error.ts";
import { validateNonnegative } from "../meta/validation.ts";

/** Counts of a status: none below zero. */
export function validateCounts<T extends object>(status: T, fields: readonly (keyof T & string)[], path: FieldPath): FieldError[] {
  return fields.flatMap((field) => validateNonnegative(countOf(status, field), path.child(field)));
}

/** `fields` are parts of `whole`: none may exceed it. `called` is how the message names it. */
export function validateAtMost<T extends object>(status: T, fields: readonly (keyof T & string)[], whole: keyof T & string, called: string, path: FieldPath): FieldError[] {
  return fields
    .filter((field) => countOf(status, field) > countOf(status, whole))
    .map((field) => path.child(field).invalid(countOf(status, field), `cannot be greater than ${called}`));
}

/** A count of hash collisions only rises. */
export function validateCollisions(
  next: { readonly collisionCount?: number | undefined },
  previous: { readonly collisionCount?: number | undefined },
  path: FieldPath,
): FieldError[] {
  const [now, before] = [next.collisionCount ?? 0, previous.collisionCount];
  return before !== undefined && (next.collisionCount === undefined || now < before) ? [path.child("collisionCount").invalid(now, "cannot be decremented")] : [];
}

function countOf<T extends object>(status: T, field: keyof T): number {
  const value = status[field];
  return typeof value === "number" ? value : 0;
}
