import type { KindDefinition } from "../../api/kind.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { FieldError, FieldErrorType } from "../../meta/status-error.ts";
import type { Structural } from "./structural.ts";
import { validateEmbedded } from "./validate-embedded.ts";
import { validateListTypes } from "./validate-list-types.ts";
import { validateValue } from "./validate-value.ts";
import { checkRules, compileRules } from "./validation-rules.ts";

const notChecked: FieldError = {
  type: "FieldValueInvalid",
  field: "<nil>",
  value: null,
  detail: "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};
/** With such a value a rule's author need not reckon. */
const blocking: ReadonlySet<FieldErrorType> = new Set(["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"]);

/**
 * What a definition's schema says of objects as they are written: their shape, then, if that is sound enough, its rules.
 * Updates may leave what was wrong already. @upstream apiextensions-apiserver/pkg/registry/customresource/strategy.go
 */
export function customValidation(structural: Structural): Required<Pick<KindDefinition<KubeObject>, "validateCreate" | "validateUpdate" | "validateStatusUpdate">> {
  const rules = compileRules(structural);
  // Metadata is judged as that of any object.
  const plain = (object: KubeObject): KubeObject => ({ ...object, metadata: {} });
  const validate = function* (object: KubeObject, previous: KubeObject | undefined): Iterable<FieldError> {
    const errors = [...validateValue(plain(object), structural, { before: previous === undefined ? undefined : plain(previous) })];
    const doubles = [...validateListTypes(object, structural)];
    const tolerated = previous !== undefined && doubles.length > 0 && hasAny(validateListTypes(previous, structural));
    errors.push(...validateEmbedded(object, structural), ...(tolerated ? [] : doubles));
    yield* errors;
    if (rules === undefined) return;
    if (errors.some(({ type }) => blocking.has(type))) yield notChecked;
    else yield* checkRules(rules, object, previous);
  };
  return { validateCreate: (object) => validate(object, undefined), validateUpdate: validate, validateStatusUpdate: validate };
}

function hasAny(errors: Iterable<FieldError>): boolean {
  for (const _ of errors) return true;
  return false;
}
