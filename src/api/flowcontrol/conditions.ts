import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

/** Of a FlowSchema or PriorityLevelConfiguration: each type once. @upstream pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaStatus */
export function* validateFlowConditions(conditions: readonly { readonly type?: string | undefined }[] | undefined): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { type = "" }] of (conditions ?? []).entries()) {
    const path = new FieldPath("status.conditions").index(index).child("type");
    if (seen.has(type)) yield path.duplicate(type);
    seen.add(type);
    if (type === "") yield path.required("must not be empty");
  }
}
