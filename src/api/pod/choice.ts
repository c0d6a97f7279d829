import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

/** `Unsupported value` that lists the choices in the order given; upstream sorts only what it keeps as a set. */
export function unsupported(path: FieldPath, value: unknown, choices: readonly string[]): FieldError {
  return { type: "FieldValueNotSupported", field: path.toString(), value, detail: `supported values: ${choices.map((choice) => JSON.stringify(choice)).join(", ")}` };
}

/** A field that must hold one of a few texts. */
export function validateChoice(value: string | undefined, choices: readonly string[], path: FieldPath): FieldError[] {
  if (value === undefined || value === "") return [path.required()];
  return choices.includes(value) ? [] : [unsupported(path, value, choices)];
}

/** The same where the field may be left out. */
export function validateOptionalChoice(value: string | undefined, choices: readonly string[], path: FieldPath): FieldError[] {
  return value === undefined || choices.includes(value) ? [] : [unsupported(path, value, choices)];
}

/** As Go has it: absent and empty are the same. */
export const isBlank = (text: string | undefined): text is undefined | "" => text === undefined || text === "";
