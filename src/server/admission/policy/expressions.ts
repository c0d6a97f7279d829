import type { MatchCondition, Variable } from "../../../api/generated/types/admissionregistration-v1.ts";
import { fromJson } from "../../../meta/cel/json.ts";
import { type AuthorizerPort, authorizerValue, resourceCheckValue } from "../../../meta/cel/library/authorizer.ts";
import { kubernetesFunctions } from "../../../meta/cel/library/kubernetes-functions.ts";
import { libraryTypes } from "../../../meta/cel/overload.ts";
import { compileCel, perCallCostLimit, Program } from "../../../meta/cel/program.ts";
import type { CelEnv } from "../../../meta/cel/scope.ts";
import { bool, type CelType, dyn, listOf, mapOf, declaredOf, opaque, string } from "../../../meta/cel/type.ts";
import { CelError, type CelValue, LazyMap } from "../../../meta/cel/value.ts";
import type { KubeObject } from "../../../meta/object.ts";
import type { Authorizer } from "../../authz/authorizer.ts";
import type { ServedResource } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";
import { inVersion, type MatchDeps, namespaceOf } from "./match-rules.ts";
import { requestValue, withKind } from "./request-value.ts";

const kindType = declaredOf("kubernetes.GroupVersionKind", { group: string, version: string, kind: string });
const resourceType = declaredOf("kubernetes.GroupVersionResource", { group: string, version: string, resource: string });
const requestType = declaredOf("kubernetes.AdmissionRequest", {
  uid: string,
  kind: kindType,
  resource: resourceType,
  subResource: string,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: declaredOf("kubernetes.UserInfo", { username: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) }),
  dryRun: bool,
  options: dyn,
});
const namespaceType = declaredOf("kubernetes.Namespace", {
  metadata: declaredOf("kubernetes.NamespaceMetadata", {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: { kind: "timestamp" },
    deletionGracePeriodSeconds: { kind: "int" },
    deletionTimestamp: { kind: "timestamp" },
    generation: { kind: "int" },
    resourceVersion: string,
    finalizers: listOf(string),
  }),
  spec: declaredOf("kubernetes.NamespaceSpec", { finalizers: listOf(string) }),
  status: declaredOf("kubernetes.NamespaceStatus", { phase: string, conditions: dyn }),
});

/** Which variables an expression has beyond those of every admission. */
export interface EnvOptions {
  readonly params?: boolean;
  readonly namespaceObject?: boolean;
  readonly variables?: { readonly [name: string]: CelType };
  /** Of mutations: `Object{…}` and `JSONPatch{…}`. */
  readonly structs?: boolean;
  /** Types of `object`, `oldObject` and `params`, where they are known; anything otherwise. */
  readonly typed?: { readonly [name: string]: CelType };
}

const patchType = declaredOf("JSONPatch", { op: string, path: string, from: string, value: dyn });

/** @upstream apiserver/pkg/admission/plugin/cel/compile.go */
export function admissionEnv({ params = false, namespaceObject = true, variables, structs = false, typed = {} }: EnvOptions): CelEnv {
  const authorizer = opaque(libraryTypes.Authorizer);
  return {
    functions: kubernetesFunctions,
    variables: {
      object: dyn,
      oldObject: dyn,
      request: requestType,
      authorizer,
      [requestResource]: opaque(libraryTypes.ResourceCheck),
      ...(namespaceObject ? { namespaceObject: namespaceType } : {}),
      ...(params ? { params: dyn } : {}),
      ...(variables === undefined ? {} : { variables: declaredOf("kubernetes.variables", variables) }),
      ...typed,
    },
    ...(structs ? { structType: (name: string) => (name === "JSONPatch" ? patchType : /^Object(\.|$)/.test(name) ? dyn : undefined) } : {}),
  };
}

/** `authorizer.requestResource`, which is a variable with a dot in its name. */
const requestResource = "authorizer.requestResource";

/** An expression that compiled, or why it did not. */
export interface Expression {
  readonly text: string;
  readonly program: Program | { readonly message: string };
}

export const expression = (text: string, env: CelEnv): Expression => ({ text, program: compileCel(text, env) });

/** The variables of a policy: each may speak of those before it. */
export function compileVariables(
  list: readonly Variable[],
  options: EnvOptions,
): { readonly types: { readonly [name: string]: CelType }; readonly compiled: readonly (readonly [string, Expression])[] } {
  const types: Record<string, CelType> = {};
  const compiled = list.map(({ name, expression: text }) => {
    const made = expression(text, admissionEnv({ ...options, variables: { ...types } }));
    types[name] = made.program instanceof Program ? made.program.type : dyn;
    return [name, made] as const;
  });
  return { types, compiled };
}

/** What one decision may cost in all. @upstream apiserver/pkg/apis/cel/config.go RuntimeCELCostBudget */
const decisionBudget = 10_000_000;

/** Evaluates the expressions of one policy or webhook for one request. */
export class Evaluation {
  readonly #bindings: { readonly [name: string]: CelValue };
  #left = decisionBudget;

  constructor(bindings: { readonly [name: string]: CelValue }, variables: readonly (readonly [string, Expression])[] = []) {
    const lazy = new Map<string, () => CelValue>();
    const all: Record<string, CelValue> = { ...bindings, variables: new LazyMap(lazy) };
    for (const [name, made] of variables) {
      lazy.set(name, () => {
        const value = this.evaluate(made);
        if (value instanceof CelError) throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${value.message}`);
        return value;
      });
    }
    this.#bindings = all;
  }

  evaluate({ program }: Expression): CelValue | CelError {
    if (!(program instanceof Program)) return new CelError(`compilation error: compilation failed: ${program.message}`);
    if (this.#left < 0) return new CelError("validation failed due to running out of cost budget, no further validation rules will be run");
    const { value, cost } = program.evaluate(this.#bindings, Math.min(perCallCostLimit, this.#left));
    this.#left -= cost;
    return value;
  }
}

export interface ExpressionDeps extends MatchDeps {
  readonly authorizer: Authorizer;
}

/** The values of the variables for a request in the version that was asked for. */
export async function admissionBindings(request: AdmissionRequest, matched: ServedResource, deps: ExpressionDeps): Promise<{ readonly [name: string]: CelValue }> {
  const { served, namespace, name, subresource } = request;
  const view = async (object: KubeObject | undefined): Promise<CelValue> => {
    const found = withKind(await inVersion(object, served, matched), matched);
    return found === undefined ? null : fromJson(found);
  };
  const port = authorizerPort(request, deps.authorizer);
  const space = namespace === "" ? undefined : namespaceOf(deps, namespace);
  const { group, resource } = served.resource;
  return {
    object: await view(request.object as KubeObject | undefined),
    oldObject: await view(request.previous),
    request: fromJson(requestValue(request, matched, ""), requestType),
    authorizer: authorizerValue(port),
    [requestResource]: resourceCheckValue(port, { group, resource, subresource, namespace, name }),
    namespaceObject: space === undefined ? null : fromJson(space, namespaceType),
  };
}

function authorizerPort({ user, served }: AdmissionRequest, authorizer: Authorizer): AuthorizerPort {
  return {
    decide({ serviceAccount, path, group, resource, subresource, namespace, name, verb, fieldSelector, labelSelector }) {
      const account = serviceAccount === undefined ? undefined : `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`;
      const decision = authorizer.authorize({
        user:
          account === undefined ? user : { name: account, groups: ["system:serviceaccounts", `system:serviceaccounts:${serviceAccount?.namespace ?? ""}`, "system:authenticated"] },
        verb,
        group,
        version: resource === served.resource.resource && group === served.resource.group ? served.resource.version : "*",
        resource,
        subresource,
        namespace,
        name,
        path,
        isResource: path === "",
        ...(fieldSelector === "" ? {} : { fieldSelector }),
        ...(labelSelector === "" ? {} : { labelSelector }),
      });
      if (decision instanceof Promise) return { allowed: false, reason: "", error: "the authorizer does not answer at once" };
      return { allowed: decision.verdict === "allow", reason: decision.reason ?? "" };
    },
  };
}

export interface Conditions {
  readonly conditions: readonly { readonly name: string; readonly expression: Expression }[];
}

export const compileConditions = (list: readonly MatchCondition[] | undefined, env: CelEnv): Conditions["conditions"] =>
  (list ?? []).map(({ name, expression: text }) => ({ name, expression: expression(text, env) }));

/** False when a condition does not hold; a CelError when none is false and some could not be told. @upstream webhook/matchconditions/matcher.go */
export function conditionsHold(conditions: Conditions["conditions"], evaluation: Evaluation): boolean | CelError {
  let failed: CelError | undefined;
  for (const { expression: made } of conditions) {
    const value = evaluation.evaluate(made);
    if (value === false) return false;
    if (value instanceof CelError) failed ??= value;
  }
  return failed ?? true;
}
