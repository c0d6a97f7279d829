import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { qualifiedNameErrors, utf8Length, validateConditions } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { validatingAdmissionPolicies } from "../generated/resources.ts";
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from "../generated/types/admissionregistration-v1.ts";
import { kind } from "../kind.ts";
import { validateMatchConditions } from "./match-conditions.ts";
import { paramKindText, validateParamKind, validateVariables } from "./policy-parts.ts";
import { defaultMatchResources, validateMatchResources } from "./rules.ts";
import { failurePolicies } from "./webhooks.ts";

const maxAuditAnnotations = 20;
const maxValueExpressionBytes = 5 * 1024;
const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];

/** Whether the expressions compile is checked where they are evaluated. @upstream pkg/registry/admissionregistration/validatingadmissionpolicy/strategy.go */
export const validatingAdmissionPolicyKind = kind<ValidatingAdmissionPolicy>({
  resource: validatingAdmissionPolicies,
  categories: ["api-extensions"],
  generation: "spec",
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.failurePolicy ??= "Fail";
    defaultMatchResources(draft.spec.matchConstraints);
    draft.status ??= {};
  },
  validate: validatePolicy,
  validateStatusUpdate: ({ status }) => validateConditions(status?.conditions, new FieldPath("status.conditions")),
  columns: [
    nameColumn,
    { name: "Validations", type: "integer", value: ({ spec }) => (spec.validations ?? []).length },
    { name: "ParamKind", type: "string", value: ({ spec }) => paramKindText(spec.paramKind) },
    ageColumn,
  ],
});

/** @upstream pkg/apis/admissionregistration/validation/validation.go validateValidatingAdmissionPolicySpec */
function* validatePolicy({ metadata, spec }: ValidatingAdmissionPolicy): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [], validations = [], auditAnnotations = [] } = spec;
  if (failurePolicy === undefined) yield path.child("failurePolicy").required();
  else if (!failurePolicies.includes(failurePolicy)) yield path.child("failurePolicy").notSupported(failurePolicy, failurePolicies);
  if (paramKind !== undefined) yield* validateParamKind(path.child("paramKind"), paramKind);
  const constraintsPath = path.child("matchConstraints");
  if (matchConstraints === undefined) yield constraintsPath.required();
  else {
    yield* validateMatchResources(constraintsPath, matchConstraints);
    if ((matchConstraints.resourceRules ?? []).length === 0) yield constraintsPath.child("resourceRules").required();
  }
  yield* validateMatchConditions(path.child("matchConditions"), matchConditions);
  yield* validateVariables(path.child("variables"), variables);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const text = "validations or auditAnnotations must contain at least one item";
    yield path.child("validations").required(text);
    yield path.child("auditAnnotations").required(text);
  }
  for (const [index, validation] of validations.entries()) yield* validateValidation(path.child("validations").index(index), validation);
  yield* validateAuditAnnotations(path.child("auditAnnotations"), auditAnnotations, metadata.name ?? "");
}

function* validateValidation(path: FieldPath, { expression = "", message = "", messageExpression = "", reason }: Partial<Validation>): Iterable<FieldError> {
  if (expression.trim() === "") yield path.child("expression").required("expression is not specified");
  if (messageExpression !== "" && messageExpression.trim() === "") yield path.child("messageExpression").invalid(messageExpression, "must be non-empty if specified");
  if (message !== "" && message.trim() === "") yield path.child("message").invalid(message, "message must be non-empty if specified");
  else if (/[\r\n]/.test(message.trim())) yield path.child("message").invalid(message, "message must not contain line breaks");
  if (reason !== undefined && !reasons.includes(reason)) yield path.child("reason").notSupported(reason, reasons);
}

function* validateAuditAnnotations(path: FieldPath, annotations: readonly Partial<AuditAnnotation>[], policyName: string): Iterable<FieldError> {
  if (annotations.length > maxAuditAnnotations) yield path.invalid(annotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`);
  const keys = new Set<string>();
  for (const [index, { key = "", valueExpression = "" }] of annotations.entries()) {
    const at = path.index(index);
    const faults = policyName === "" ? [] : qualifiedNameErrors(`${policyName}/${key}`);
    for (const fault of faults) yield at.child("key").invalid(`${policyName}/${key}`, fault);
    if (valueExpression.trim() === "") yield at.child("valueExpression").required("valueExpression is not specified");
    else if (utf8Length(valueExpression) > maxValueExpressionBytes) {
      yield at.child("valueExpression").required(`must not exceed ${maxValueExpressionBytes} bytes in length`);
    }
    if (keys.has(key)) yield at.child("key").duplicate(key);
    keys.add(key);
  }
}
