import type { FieldError } from "./status-error.ts";

/**
 * Adds what was found, in that order. PERF: nearly always there is nothing; lists that are spread into one call or literal are walked with
 * an iterator each, and copied.
 */
export function append(errors: FieldError[], ...found: readonly (readonly FieldError[])[]): void {
  for (const list of found) for (const error of list) errors.push(error);
}
