import { parseDuration } from "../../../meta/cel/duration.ts";
import { FieldPath } from "../../../meta/field-path.ts";
import type { FieldError } from "../../../meta/status-error.ts";
import { dnsSubdomainErrors } from "../../../meta/text-rules.ts";
import { compileMatchCondition } from "../webhook/match-conditions.ts";
import type { AuthorizationConfiguration, AuthorizerConfig, WebhookConfig } from "./authorization-configuration.ts";

/** Modes that a file can name. */
export const fileModes = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"] as const;
const CONDITIONS_MAX = 64;
const TIMEOUT_MAX_NS = 30_000_000_000n;

export interface ValidateDeps {
  /** Why a file cannot serve as a kubeconfig; undefined when it can. */
  kubeconfigProblem(path: string): string | undefined;
}

/** What is wrong with a configuration, with upstream's paths. @upstream apiserver/pkg/apis/apiserver/validation/validation.go */
export function* authorizationErrors({ authorizers }: AuthorizationConfiguration, deps: ValidateDeps): Generator<FieldError> {
  const root = new FieldPath("authorizers");
  if (authorizers.length === 0) yield root.required("at least one authorization mode must be defined");
  const types = new Set<string>();
  const names = new Set<string>();
  for (const [index, entry] of authorizers.entries()) {
    const path = root.index(index);
    const { type } = entry;
    if (type === "") yield path.child("type").required();
    else if (!fileModes.some((mode) => mode === type)) yield path.child("type").notSupported(type, fileModes);
    else if (types.has(type) && type !== "Webhook") yield path.child("type").duplicate(type);
    else {
      types.add(type);
      yield* nameErrors(entry.name, names, path.child("name"));
      yield* webhookErrors(entry, path, deps);
    }
  }
}

function* nameErrors(name: string, names: Set<string>, path: FieldPath): Generator<FieldError> {
  const problems = dnsSubdomainErrors(name);
  if (name === "") yield path.required();
  else if (names.has(name)) yield path.duplicate(name);
  else if (problems.length > 0) yield path.invalid(name, `authorizer name is invalid: ${problems.join(", ")}`);
  names.add(name);
}

function* webhookErrors({ type, webhook }: AuthorizerConfig, path: FieldPath, deps: ValidateDeps): Generator<FieldError> {
  if (type !== "Webhook") {
    if (webhook !== undefined) yield path.child("webhook").invalid("non-null", "may only be specified when type=Webhook");
    return;
  }
  if (webhook === undefined) {
    yield path.child("webhook").required("required when type=Webhook");
    return;
  }
  yield* durationErrors(webhook.timeout, path.child("timeout"), TIMEOUT_MAX_NS);
  yield* durationErrors(webhook.authorizedTTL, path.child("authorizedTTL"));
  yield* durationErrors(webhook.unauthorizedTTL, path.child("unauthorizedTTL"));
  yield* wordErrors(webhook.subjectAccessReviewVersion, path.child("subjectAccessReviewVersion"), ["v1", "v1beta1"]);
  const { matchConditionSubjectAccessReviewVersion: conditionVersion = "", matchConditions = [] } = webhook;
  const conditionPath = path.child("matchConditionSubjectAccessReviewVersion");
  if (conditionVersion === "" && matchConditions.length > 0) yield conditionPath.required("required if match conditions are specified");
  else if (conditionVersion !== "") yield* wordErrors(conditionVersion, conditionPath, ["v1"]);
  yield* wordErrors(webhook.failurePolicy, path.child("failurePolicy"), ["NoOpinion", "Deny"]);
  yield* connectionErrors(webhook.connectionInfo ?? {}, path.child("connectionInfo"), deps);
  yield* conditionErrors(matchConditions, path.child("matchConditions"));
}

function* durationErrors(text: string | undefined, path: FieldPath, mostNs?: bigint): Generator<FieldError> {
  if (text === undefined || text === "") {
    yield path.required();
    return;
  }
  let ns: bigint;
  try {
    ns = parseDuration(text);
  } catch (error) {
    yield path.invalid(text, error instanceof Error ? error.message : String(error));
    return;
  }
  if (ns === 0n) yield path.required();
  else if (ns < 0n || (mostNs !== undefined && ns > mostNs)) yield path.invalid(text, mostNs === undefined ? "must be > 0s" : "must be > 0s and <= 30s");
}

function* wordErrors(word: string | undefined, path: FieldPath, words: readonly string[]): Generator<FieldError> {
  if (word === undefined || word === "") yield path.required();
  else if (!words.includes(word)) yield path.notSupported(word, words);
}

function* connectionErrors({ type = "", kubeConfigFile }: NonNullable<WebhookConfig["connectionInfo"]>, path: FieldPath, deps: ValidateDeps): Generator<FieldError> {
  if (type === "") yield path.child("type").required();
  else if (type === "InClusterConfig") yield path.child("type").invalid(type, "an API server cannot ask itself: use KubeConfigFile");
  else if (type !== "KubeConfigFile") yield path.child("type").notSupported(type, ["InClusterConfig", "KubeConfigFile"]);
  else if (kubeConfigFile === undefined || kubeConfigFile === "") yield path.child("kubeConfigFile").required();
  else if (!kubeConfigFile.startsWith("/")) yield path.child("kubeConfigFile").invalid(kubeConfigFile, "must be an absolute path");
  else {
    const problem = deps.kubeconfigProblem(kubeConfigFile);
    if (problem !== undefined) yield path.child("kubeConfigFile").invalid(kubeConfigFile, problem);
  }
}

function* conditionErrors(conditions: readonly { readonly expression?: string }[], root: FieldPath): Generator<FieldError> {
  if (conditions.length > CONDITIONS_MAX) {
    yield root.tooMany(conditions.length, CONDITIONS_MAX);
    return;
  }
  const seen = new Set<string>();
  for (const [index, { expression = "" }] of conditions.entries()) {
    const path = root.index(index).child("expression");
    if (expression.trim() === "") yield path.required();
    else if (seen.has(expression)) yield path.duplicate(expression);
    else {
      try {
        compileMatchCondition(expression);
      } catch (error) {
        yield path.invalid(expression, error instanceof Error ? error.message : String(error));
      }
    }
    seen.add(expression);
  }
}
