import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "../../../api/generated/types/admissionregistration-v1.ts";
import { fromJson } from "../../../meta/cel/json.ts";
import { CelError } from "../../../meta/cel/value.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { forbidden, reasonCodes, StatusError, type StatusReason } from "../../../meta/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission.ts";
import { AnnotationCollector, type CompiledAnnotation, compileAnnotations } from "./audit-annotations.ts";
import {
  admissionBindings,
  admissionEnv,
  compileConditions,
  compileVariables,
  conditionsHold,
  Evaluation,
  type Expression,
  expression,
  type ExpressionDeps,
} from "./expressions.ts";
import { isExempt, matchResources } from "./match-rules.ts";
import { paramsOf } from "./params.ts";

const POLICIES = "/registry/validatingadmissionpolicies/";
const BINDINGS = "/registry/validatingadmissionpolicybindings/";

interface Compiled {
  readonly conditions: ReturnType<typeof compileConditions>;
  readonly variables: ReturnType<typeof compileVariables>["compiled"];
  readonly validations: readonly {
    readonly expression: Expression;
    readonly message: string | undefined;
    readonly messageExpression: Expression | undefined;
    readonly reason: string | undefined;
  }[];
  readonly annotations: readonly CompiledAnnotation[];
}

function compilePolicy({ spec }: ValidatingAdmissionPolicy): Compiled {
  const options = { params: spec.paramKind !== undefined };
  const { types, compiled } = compileVariables(spec.variables ?? [], options);
  const env = admissionEnv({ ...options, variables: types });
  return {
    conditions: compileConditions(spec.matchConditions, admissionEnv(options)),
    variables: compiled,
    validations: (spec.validations ?? []).map((validation) => ({
      expression: expression(validation.expression, env),
      message: validation.message,
      messageExpression: (validation.messageExpression ?? "") === "" ? undefined : expression(validation.messageExpression ?? "", env),
      reason: validation.reason,
    })),
    annotations: compileAnnotations(spec.auditAnnotations ?? [], env),
  };
}

interface Denial {
  readonly message: string;
  readonly reason: string;
  /** Which of the policy's validations it comes from. */
  readonly index: number;
}

/** ValidatingAdmissionPolicies with their bindings. @upstream apiserver/pkg/admission/plugin/policy/validating/dispatcher.go */
export function validatingPolicies(deps: ExpressionDeps): AdmissionPlugin {
  const policies = deps.cache.resource(POLICIES);
  const bindings = deps.cache.resource(BINDINGS);
  // PERF: compiled once per version of a policy.
  const compiled = new WeakMap<KubeObject, Compiled>();
  const compiledOf = (policy: ValidatingAdmissionPolicy): Compiled => {
    let made = compiled.get(policy);
    if (made === undefined) {
      made = compilePolicy(policy);
      compiled.set(policy, made);
    }
    return made;
  };
  const decideAll = async (request: AdmissionRequest): Promise<void> => {
    const bound = [...bindings.range(BINDINGS)].map(([, entry]) => entry.object as ValidatingAdmissionPolicyBinding);
    for (const [, entry] of policies.range(POLICIES)) {
      const policy = entry.object as ValidatingAdmissionPolicy;
      const mine = bound.filter(({ spec }) => spec.policyName === policy.metadata.name);
      if (mine.length > 0) await decide(policy, mine, request, compiledOf, deps);
    }
  };
  return {
    name: "ValidatingAdmissionPolicy",
    validate(request) {
      return policies.size === 0 || bindings.size === 0 || isExempt(request) ? undefined : decideAll(request);
    },
  };
}

async function decide(
  policy: ValidatingAdmissionPolicy,
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  request: AdmissionRequest,
  compiledOf: (policy: ValidatingAdmissionPolicy) => Compiled,
  deps: ExpressionDeps,
): Promise<void> {
  const { spec } = policy;
  const matched = matchResources(request, spec.matchConstraints, deps);
  if (matched === undefined) return;
  const values = await admissionBindings(request, matched, deps);
  const annotations = new AnnotationCollector();
  const findings: (readonly [binding: ValidatingAdmissionPolicyBinding, found: readonly Denial[]])[] = [];
  for (const binding of bindings) {
    if (matchResources(request, binding.spec.matchResources, deps) === undefined) continue;
    const params = await paramsOf(spec.paramKind, binding.spec.paramRef, request, deps);
    if (typeof params === "string") {
      if (spec.failurePolicy !== "Ignore") findings.push([binding, [{ message: `failed to configure binding: ${params}`, reason: "Invalid", index: 0 }]]);
      continue;
    }
    for (const param of params) {
      const compiled = compiledOf(policy);
      const evaluation = new Evaluation({ ...values, params: param === undefined ? null : fromJson(param) }, compiled.variables);
      const failClosed = spec.failurePolicy !== "Ignore";
      findings.push([binding, denials(compiled, evaluation, failClosed)]);
      if (compiled.annotations.length === 0 || conditionsHold(compiled.conditions, evaluation) !== true) continue;
      const errors = annotations.collect(compiled.annotations, evaluation);
      if (failClosed) findings.push([binding, errors.map((message) => ({ message, reason: "Invalid", index: 0 }))]);
    }
  }
  annotations.publish(policy.metadata.name ?? "", request);
  for (const [binding, found] of findings) act(policy, binding, found, request);
}

function denials(compiled: Compiled, evaluation: Evaluation, failClosed: boolean): readonly Denial[] {
  const holds = conditionsHold(compiled.conditions, evaluation);
  if (holds === false) return [];
  if (holds !== true) return failClosed ? [{ message: holds.message, reason: "Invalid", index: 0 }] : [];
  return compiled.validations.flatMap(({ expression: made, message, messageExpression, reason = "Invalid" }, index) => {
    const value = evaluation.evaluate(made);
    if (value === true) return [];
    if (value instanceof CelError) return failClosed ? [{ message: `expression '${made.text}' resulted in error: ${value.message}`, reason: "Invalid", index }] : [];
    const said = messageExpression === undefined ? undefined : evaluation.evaluate(messageExpression);
    const text = typeof said === "string" && said.trim() !== "" && !said.includes("\n") ? said.trim() : (message?.trim() ?? "");
    return [{ message: text === "" ? `failed expression: ${made.text.trim()}` : text, reason, index }];
  });
}

const FAILURE = "validation.policy.admission.k8s.io/validation_failure";

/** Denies with the first, warns of all, writes down all, as the binding has it. */
function act(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, found: readonly Denial[], request: AdmissionRequest): void {
  const [names, actions] = [`ValidatingAdmissionPolicy '${policy.metadata.name ?? ""}' with binding '${binding.metadata.name ?? ""}'`, binding.spec.validationActions];
  if (actions.includes("Warn")) for (const { message } of found) request.warn(`Validation failed for ${names}: ${message}`);
  if (actions.includes("Audit")) {
    const said = { policy: policy.metadata.name ?? "", binding: binding.metadata.name ?? "" };
    for (const { message, index } of found) request.annotate(FAILURE, JSON.stringify([{ message, ...said, expressionIndex: index, validationActions: actions }]));
  }
  const [first] = found;
  if (first === undefined || !actions.includes("Deny")) return;
  const message = `${names} denied request: ${first.message}`;
  const { status } = forbidden({ ...request.served.resource, name: request.name }, message);
  const reason = (first.reason in reasonCodes ? first.reason : "Invalid") as StatusReason;
  throw new StatusError({ ...status, reason, code: reasonCodes[reason], details: { ...status.details, causes: [{ message }] } });
}
