import type { CustomResourceDefinition } from "../../api/generated/types/apiextensions-v1.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

export const approvalAnnotation = "api-approved.kubernetes.io";
const more = "see https://github.com/kubernetes/enhancements/pull/1111";

/** Whether a group belongs to the community, whose reviewers approve what is in it. */
export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

export interface Approval {
  readonly state: "ApprovedAnnotation" | "UnapprovedAnnotation" | "MissingAnnotation" | "InvalidAnnotation";
  readonly message: string;
}

/** @upstream apiextensions-apiserver/pkg/apihelpers/helpers.go GetAPIApprovalState */
export function approvalOf(annotations: { readonly [name: string]: string } = {}): Approval {
  const text = annotations[approvalAnnotation] ?? "";
  const named = JSON.stringify(approvalAnnotation);
  if (text === "") return { state: "MissingAnnotation", message: `protected groups must have approval annotation ${named}, ${more}` };
  if (text.startsWith("unapproved")) return { state: "UnapprovedAnnotation", message: `not approved: ${JSON.stringify(text)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/\s]+/.test(text)) return { state: "ApprovedAnnotation", message: `approved in ${text}` };
  return { state: "InvalidAnnotation", message: `protected groups must have approval annotation ${named} with either a URL or a reason starting with "unapproved", ${more}` };
}

/** Refuses a definition of a protected group that nobody approved or bypassed; what stood there already is let be. @upstream apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go validateAPIApproval */
export function* checkApproval({ metadata, spec }: CustomResourceDefinition, previous: CustomResourceDefinition | undefined): Iterable<FieldError> {
  if (!isProtectedGroup(spec.group)) return;
  const { state, message } = approvalOf(metadata.annotations);
  if (previous !== undefined && approvalOf(previous.metadata.annotations).state === state) return;
  const path = new FieldPath("metadata.annotations").key(approvalAnnotation);
  if (state === "MissingAnnotation") yield path.required(message);
  else if (state === "InvalidAnnotation") yield path.invalid(metadata.annotations?.[approvalAnnotation] ?? "", message);
}
