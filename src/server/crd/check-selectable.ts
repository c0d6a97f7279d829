import type { CustomResourceDefinitionVersion } from "../../api/generated/types/apiextensions-v1.ts";
import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { followFieldPath } from "./check-rule-form.ts";
import type { Structural } from "./structural.ts";

const mostFields = 8;
const scalars = ["string", "boolean", "integer"];

/** Only single plain values can be selected by. Empty and repeated paths are found with the definition's other fields. @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go ValidateCustomResourceSelectableFields */
export function* checkSelectable({ selectableFields = [], schema }: CustomResourceDefinitionVersion, path: FieldPath): Iterable<FieldError> {
  const structural = schema?.openAPIV3Schema as Structural | undefined;
  if (structural === undefined) return;
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    if (jsonPath === "") continue;
    const at = path.index(index).child("jsonPath");
    const found = followFieldPath(jsonPath, structural);
    if (found === undefined) {
      yield at.invalid(jsonPath, "is an invalid path: does not refer to a valid field");
      continue;
    }
    if (/^\.metadata(\.|$|\[)/.test(jsonPath)) yield at.invalid(jsonPath, "must not point to fields in metadata");
    if (!scalars.includes(found.type ?? ""))
      yield at.invalid(jsonPath, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
  }
  const count = new Set(selectableFields.map(({ jsonPath }) => jsonPath)).size;
  if (count > mostFields) yield path.tooMany(count, mostFields);
}
