import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { isStandardResource } from "../pod/resource-name.ts";
import { validateResourceName } from "../pod/validate-resources.ts";

/** All that is standard, but what only volumes have. @upstream pkg/apis/core/helper/helpers.go IsStandardQuotaResourceName */
export const isStandardQuotaResource = (name: string): boolean => name !== "storage" && isStandardResource(name);

/** @upstream pkg/apis/core/validation/validation.go ValidateResourceQuotaResourceName */
export function validateQuotaResourceName(name: string, path: FieldPath): readonly FieldError[] {
  const errors = validateResourceName(name, path);
  return name.includes("/") || isStandardQuotaResource(name) ? errors : [...errors, path.invalid(name, "must be a standard resource for quota")];
}
