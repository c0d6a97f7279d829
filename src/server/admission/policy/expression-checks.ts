import type {
  MatchCondition,
  MutatingAdmissionPolicy,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  Variable,
} from "../../../api/generated/types/admissionregistration-v1.ts";
import { Program } from "../../../meta/cel/program.ts";
import type { CelType } from "../../../meta/cel/type.ts";
import { FieldPath } from "../../../meta/field-path.ts";
import { type FieldError, invalid } from "../../../meta/status-error.ts";
import type { AdmissionPlugin } from "../admission.ts";
import { admissionEnv, compileVariables, type EnvOptions, expression } from "./expressions.ts";

/** An expression that must compile, to a value of one of these kinds. */
function* check(path: FieldPath, text: string | undefined, options: EnvOptions, kinds: readonly CelType["kind"][]): Iterable<FieldError> {
  if (text === undefined || text.trim() === "") return;
  const { program } = expression(text, admissionEnv(options));
  if (!(program instanceof Program)) yield path.invalid(text, `compilation failed: ${program.message}`);
  else if (kinds.length > 0 && program.type.kind !== "dyn" && !kinds.includes(program.type.kind)) yield path.invalid(text, `must evaluate to ${kinds.join(" or ")}`);
}

function* checkConditions(path: FieldPath, conditions: readonly MatchCondition[] = [], options: EnvOptions = {}): Iterable<FieldError> {
  for (const [index, condition] of conditions.entries()) yield* check(path.index(index).child("expression"), condition.expression, options, ["bool"]);
}

function* checkVariables(path: FieldPath, variables: readonly Variable[], options: EnvOptions): Iterable<FieldError> {
  for (const [index, [, { text, program }]] of compileVariables(variables, options).compiled.entries())
    if (!(program instanceof Program) && text.trim() !== "") yield path.index(index).child("expression").invalid(text, `compilation failed: ${program.message}`);
}

function* checkValidating({ spec }: ValidatingAdmissionPolicy): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const options = { params: spec.paramKind !== undefined };
  const { variables = [], validations = [], auditAnnotations = [] } = spec;
  yield* checkConditions(path.child("matchConditions"), spec.matchConditions, options);
  yield* checkVariables(path.child("variables"), variables, options);
  const inner = { ...options, variables: compileVariables(variables, options).types };
  for (const [index, validation] of validations.entries()) {
    const at = path.child("validations").index(index);
    yield* check(at.child("expression"), validation.expression, inner, ["bool"]);
    yield* check(at.child("messageExpression"), validation.messageExpression, inner, ["string"]);
  }
  for (const [index, { valueExpression }] of auditAnnotations.entries())
    yield* check(path.child("auditAnnotations").index(index).child("valueExpression"), valueExpression, inner, ["string", "null"]);
}

function* checkMutating({ spec = {} }: MutatingAdmissionPolicy): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const options = { params: spec.paramKind !== undefined };
  const { variables = [], mutations = [] } = spec;
  yield* checkConditions(path.child("matchConditions"), spec.matchConditions, options);
  yield* checkVariables(path.child("variables"), variables, options);
  const inner = { ...options, variables: compileVariables(variables, options).types, structs: true };
  for (const [index, { jsonPatch, applyConfiguration }] of mutations.entries()) {
    const at = path.child("mutations").index(index);
    yield* check(at.child("jsonPatch", "expression"), jsonPatch?.expression, inner, ["list"]);
    yield* check(at.child("applyConfiguration", "expression"), applyConfiguration?.expression, inner, ["object"]);
  }
}

function* checkWebhooks({ webhooks = [] }: MutatingWebhookConfiguration): Iterable<FieldError> {
  for (const [index, { matchConditions }] of webhooks.entries())
    yield* checkConditions(new FieldPath("webhooks").index(index).child("matchConditions"), matchConditions, { namespaceObject: false });
}

/** Refuses policies and webhooks whose expressions do not compile. @upstream pkg/apis/admissionregistration/validation/validation.go */
export const expressionChecks: AdmissionPlugin = {
  name: "AdmissionExpressions",
  validate({ operation, served, subresource, object, name }) {
    const { group, kind } = served.resource;
    if (group !== "admissionregistration.k8s.io" || object === undefined || subresource !== "" || operation === "DELETE") return;
    const errors: FieldError[] = [];
    if (kind === "ValidatingAdmissionPolicy") errors.push(...checkValidating(object as unknown as ValidatingAdmissionPolicy));
    else if (kind === "MutatingAdmissionPolicy") errors.push(...checkMutating(object as unknown as MutatingAdmissionPolicy));
    else if (kind.endsWith("WebhookConfiguration")) errors.push(...checkWebhooks(object as unknown as MutatingWebhookConfiguration));
    if (errors.length > 0) throw invalid({ group, kind, name }, errors);
  },
};
