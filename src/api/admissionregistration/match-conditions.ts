import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkQualifiedName } from "../field-checks.ts";
import type { MatchCondition } from "../generated/types/admissionregistration-v1.ts";

const mostConditions = 64;

/** That the expressions compile is checked where they are evaluated. @upstream pkg/apis/admissionregistration/validation/validation.go validateMatchConditions */
export function* validateMatchConditions(path: FieldPath, conditions: readonly Partial<MatchCondition>[]): Iterable<FieldError> {
  if (conditions.length > mostConditions) yield path.tooMany(conditions.length, mostConditions);
  const names = new Set<string>();
  for (const [index, { name = "", expression = "" }] of conditions.entries()) {
    const at = path.index(index);
    if (expression.trim() === "") yield at.child("expression").required();
    if (name === "") yield at.child("name").required();
    else {
      yield* checkQualifiedName(at.child("name"), name);
      if (names.has(name)) yield at.child("name").duplicate(name);
    }
    names.add(name);
  }
}
