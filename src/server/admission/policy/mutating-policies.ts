import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "../../../api/generated/types/admissionregistration-v1.ts";
import { clone, deepEqual } from "../../../base/values.ts";
import { mergeConfig } from "../../../meta/apply/merge-config.ts";
import { fromJson, toJson } from "../../../meta/cel/json.ts";
import { CelError, CelList } from "../../../meta/cel/value.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { applyJsonPatch } from "../../../meta/patch/json-patch.ts";
import { forbidden, StatusError } from "../../../meta/status-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../admission.ts";
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
import { inVersion, isExempt, matchResources } from "./match-rules.ts";
import { paramsOf } from "./params.ts";
import { replaceDraft } from "./replace-draft.ts";

const POLICIES = "/registry/mutatingadmissionpolicies/";
const BINDINGS = "/registry/mutatingadmissionpolicybindings/";

interface Compiled {
  readonly conditions: ReturnType<typeof compileConditions>;
  readonly variables: ReturnType<typeof compileVariables>["compiled"];
  readonly mutations: readonly { readonly expression: Expression; readonly isPatch: boolean }[];
}

function compilePolicy({ spec = {} }: MutatingAdmissionPolicy): Compiled {
  const options = { params: spec.paramKind !== undefined };
  const { types, compiled } = compileVariables(spec.variables ?? [], options);
  const env = admissionEnv({ ...options, variables: types, structs: true });
  return {
    conditions: compileConditions(spec.matchConditions, admissionEnv(options)),
    variables: compiled,
    mutations: (spec.mutations ?? []).map(({ patchType, jsonPatch, applyConfiguration }) => {
      const isPatch = patchType === "JSONPatch";
      return { isPatch, expression: expression((isPatch ? jsonPatch : applyConfiguration)?.expression ?? "", env) };
    }),
  };
}

/** MutatingAdmissionPolicies with their bindings; those that want it run again after later ones changed the object. @upstream apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go */
export function mutatingPolicies(deps: ExpressionDeps): AdmissionPlugin {
  const policies = deps.cache.resource(POLICIES);
  const bindings = deps.cache.resource(BINDINGS);
  const compiled = new WeakMap<KubeObject, Compiled>();
  const apply = async (request: AdmissionRequest): Promise<void> => {
    const bound = [...bindings.range(BINDINGS)].map(([, entry]) => entry.object as MutatingAdmissionPolicyBinding);
    const steps: { readonly again: boolean; readonly run: () => Promise<void>; after: unknown }[] = [];
    for (const [, entry] of policies.range(POLICIES)) {
      const policy = entry.object as MutatingAdmissionPolicy;
      for (const binding of bound.filter(({ spec }) => spec?.policyName === policy.metadata.name)) {
        const made = compiled.get(policy) ?? compilePolicy(policy);
        compiled.set(policy, made);
        const step = { again: policy.spec?.reinvocationPolicy === "IfNeeded", run: () => mutateBy(policy, binding, made, request, deps), after: undefined as unknown };
        await step.run();
        step.after = clone(request.object);
        steps.push(step);
      }
    }
    for (const step of steps) if (step.again && !deepEqual(step.after, request.object)) await step.run();
  };
  return {
    name: "MutatingAdmissionPolicy",
    mutate(request) {
      return policies.size === 0 || bindings.size === 0 || isExempt(request) || request.object === undefined ? undefined : apply(request);
    },
  };
}

async function mutateBy(
  policy: MutatingAdmissionPolicy,
  binding: MutatingAdmissionPolicyBinding,
  compiled: Compiled,
  request: AdmissionRequest,
  deps: ExpressionDeps,
): Promise<void> {
  const { spec = {} } = policy;
  const matched = matchResources(request, spec.matchConstraints, deps);
  if (matched === undefined || matchResources(request, binding.spec?.matchResources, deps) === undefined) return;
  const failed = (why: string): void => {
    if (spec.failurePolicy === "Ignore") return;
    const names = `MutatingAdmissionPolicy '${policy.metadata.name ?? ""}' with binding '${binding.metadata.name ?? ""}'`;
    throw forbidden({ ...request.served.resource, name: request.name }, `${names} denied request: ${why}`);
  };
  const params = await paramsOf(spec.paramKind, binding.spec?.paramRef, request, deps);
  if (typeof params === "string") return failed(`failed to configure binding: ${params}`);
  for (const param of params) {
    const evaluationNow = async (): Promise<Evaluation> =>
      new Evaluation({ ...(await admissionBindings(request, matched, deps)), params: param === undefined ? null : fromJson(param) }, compiled.variables);
    const holds = conditionsHold(compiled.conditions, await evaluationNow());
    if (holds === false) continue;
    if (holds !== true) {
      failed(holds.message);
      continue;
    }
    for (const mutation of compiled.mutations) {
      const value = (await evaluationNow()).evaluate(mutation.expression);
      if (value instanceof CelError) {
        failed(`expression '${mutation.expression.text}' resulted in error: ${value.message}`);
        break;
      }
      try {
        const current = await inVersion(clone(request.object) as KubeObject, request.served, matched);
        const changed = mutation.isPatch && value instanceof CelList ? applyJsonPatch(current, toJson(value)) : mergeConfig(current, toJson(value), matched.schema);
        replaceDraft(request, await inVersion(changed as KubeObject, matched, request.served));
      } catch (error) {
        if (!(error instanceof StatusError) && !(error instanceof CelError)) throw error;
        failed(error.message);
        break;
      }
    }
  }
}
