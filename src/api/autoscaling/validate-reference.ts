import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { checkDnsSubdomain, checkRequiredSegment } from "../field-checks.ts";
import type { CrossVersionObjectReference } from "../generated/types/autoscaling-v2.ts";

type Reference = Partial<CrossVersionObjectReference>;

/** @upstream pkg/apis/autoscaling/validation/validation.go ValidateCrossVersionObjectReference */
export function* validateReference(path: FieldPath, { kind, name }: Reference): Iterable<FieldError> {
  yield* checkRequiredSegment(path.child("kind"), kind);
  yield* checkRequiredSegment(path.child("name"), name);
}

/** `mayOmitGroup`: the core group is fine. @upstream ValidateAPIVersion */
export function* validateReferenceVersion(path: FieldPath, { apiVersion = "" }: Reference, { mayOmitGroup }: { readonly mayOmitGroup: boolean }): Iterable<FieldError> {
  const at = path.child("apiVersion");
  const parts = apiVersion.split("/");
  if (parts.length > 2) yield at.invalid(apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else if (parts.length === 2) for (const error of checkDnsSubdomain(at, parts[0])) yield { ...error, value: apiVersion };
  else if (!mayOmitGroup) yield at.invalid(apiVersion, "apiVersion must specify API group");
}
