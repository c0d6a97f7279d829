import { deepEqual } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { CertificateSigningRequestStatus } from "../generated/types/certificates-v1.ts";

const conditionsPath = new FieldPath("status.conditions");
const finalTypes = ["Approved", "Denied", "Failed"];
const statuses = ["True", "False", "Unknown"];

/** @upstream pkg/apis/certificates/validation/validation.go validateConditions */
export function* validateCertificateConditions({ conditions = [] }: CertificateSigningRequestStatus): Iterable<FieldError> {
  const seen = new Set<string>();
  for (const [index, { type = "", status = "" }] of (conditions as readonly { readonly type?: string; readonly status?: string }[]).entries()) {
    const at = conditionsPath.index(index);
    if (type === "") yield at.child("type").required();
    if (status === "") yield at.child("status").required();
    else if (status !== "True" && finalTypes.includes(type)) yield at.child("status").notSupported(status, ["True"]);
    else if (!statuses.includes(status)) yield at.child("status").notSupported(status, statuses);
    if (seen.has(type)) yield at.child("type").duplicate(type);
    if ((type === "Approved" && seen.has("Denied")) || (type === "Denied" && seen.has("Approved"))) {
      yield at.child("type").invalid(type, "Approved and Denied conditions are mutually exclusive");
    }
    seen.add(type);
  }
}

/**
 * A verdict stays, and a certificate is issued once. `approving`: the write comes by the approval subresource, which
 * alone may add a verdict. @upstream ValidateCertificateSigningRequestStatusUpdate, ValidateCertificateSigningRequestApprovalUpdate
 */
export function* validateCertificateProgress(
  next: CertificateSigningRequestStatus,
  previous: CertificateSigningRequestStatus,
  { approving }: { readonly approving: boolean },
): Iterable<FieldError> {
  yield* validateCertificateConditions(next);
  const old = previous.certificate ?? "";
  if (old !== "" && next.certificate !== old) yield new FieldPath("status.certificate").forbidden("updates may not replace existing certificate data");
  for (const type of finalTypes) {
    const before = (previous.conditions ?? []).filter((condition) => condition.type === type);
    const after = (next.conditions ?? []).filter((condition) => condition.type === type);
    if (before.length > after.length) yield conditionsPath.forbidden(`updates may not remove a condition of type "${type}"`);
    if (type === "Failed") continue;
    if (!approving && before.length < after.length) yield conditionsPath.forbidden(`updates may not add a condition of type "${type}"`);
    if (before.length === after.length && !deepEqual(before, after)) yield conditionsPath.forbidden(`updates may not modify a condition of type "${type}"`);
  }
}
