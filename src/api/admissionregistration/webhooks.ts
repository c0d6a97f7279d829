import type { Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dns1035LabelErrors, dnsSubdomainErrors, invalidEach, validateLabelSelector } from "../../meta/validation.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../generated/types/admissionregistration-v1.ts";
import type { Column } from "../kind.ts";
import { defaultWebhookClient, validateWebhookClient } from "../webhook-client-config.ts";
import { validateMatchConditions } from "./match-conditions.ts";
import { defaultRules, matchPolicies, validateRule } from "./rules.ts";

// What both kinds of webhook configurations share. @upstream pkg/apis/admissionregistration

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, "reinvocationPolicy">;
interface Configuration extends KubeObject {
  readonly webhooks?: readonly Webhook[] | undefined;
}

export const failurePolicies = ["Fail", "Ignore"];
const reinvocationPolicies = ["IfNeeded", "Never"];
const sideEffects = ["None", "NoneOnDryRun"];
const reviewVersions = ["v1", "v1beta1"];
const defaultTimeoutSeconds = 10;

/** @upstream pkg/apis/admissionregistration/v1/defaults.go */
export function defaultWebhooks(webhooks: Draft<readonly Webhook[]> | undefined): void {
  for (const webhook of webhooks ?? []) {
    webhook.failurePolicy ??= "Fail";
    webhook.matchPolicy ??= "Equivalent";
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= defaultTimeoutSeconds;
    defaultWebhookClient(webhook.clientConfig);
    defaultRules(webhook.rules);
  }
}

/** @upstream pkg/apis/admissionregistration/validation/validation.go */
export function* validateWebhooks(webhooks: readonly Webhook[] | undefined): Iterable<FieldError> {
  const names = new Set<string>();
  for (const [index, webhook] of (webhooks ?? []).entries()) {
    const path = new FieldPath("webhooks").index(index);
    yield* validateWebhook(path, webhook);
    yield* validateReviewVersions(path.child("admissionReviewVersions"), webhook.admissionReviewVersions);
    const { name = "" } = webhook as Partial<Webhook>;
    if (name !== "" && names.has(name)) yield path.child("name").duplicate(name);
    names.add(name);
  }
}

function* validateWebhook(path: FieldPath, webhook: Partial<Webhook>): Iterable<FieldError> {
  const { failurePolicy, matchPolicy, sideEffects: effects, timeoutSeconds, reinvocationPolicy } = webhook;
  yield* validateFullName(path.child("name"), webhook.name);
  for (const [index, rule] of (webhook.rules ?? []).entries()) yield* validateRule(path.child("rules").index(index), rule);
  if (failurePolicy !== undefined && !failurePolicies.includes(failurePolicy)) yield path.child("failurePolicy").notSupported(failurePolicy, failurePolicies);
  if (matchPolicy !== undefined && !matchPolicies.includes(matchPolicy)) yield path.child("matchPolicy").notSupported(matchPolicy, matchPolicies);
  if (effects === undefined) yield path.child("sideEffects").required(`must specify one of ${sideEffects.join(", ")}`);
  else if (!sideEffects.includes(effects)) yield path.child("sideEffects").notSupported(effects, sideEffects);
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    yield path.child("timeoutSeconds").invalid(timeoutSeconds, "the timeout value must be between 1 and 30 seconds");
  }
  yield* validateLabelSelector(webhook.namespaceSelector, path.child("namespaceSelector"));
  yield* validateLabelSelector(webhook.objectSelector, path.child("objectSelector"));
  if (reinvocationPolicy !== undefined && !reinvocationPolicies.includes(reinvocationPolicy)) {
    yield path.child("reinvocationPolicy").notSupported(reinvocationPolicy, reinvocationPolicies);
  }
  yield* validateWebhookClient(path.child("clientConfig"), webhook.clientConfig ?? {});
  yield* validateMatchConditions(path.child("matchConditions"), webhook.matchConditions ?? []);
}

/** @upstream apimachinery/pkg/util/validation IsFullyQualifiedName */
function* validateFullName(path: FieldPath, name = ""): Iterable<FieldError> {
  if (name === "") {
    yield path.required();
    return;
  }
  const messages = dnsSubdomainErrors(name);
  if (messages.length > 0) yield path.invalid(name, messages.join(","));
  else if (name.split(".").length < 3) yield path.invalid(name, "should be a domain with at least three segments separated by dots");
}

function* validateReviewVersions(path: FieldPath, versions: readonly string[] = []): Iterable<FieldError> {
  const known = reviewVersions.join(", ");
  if (versions.length === 0) {
    yield path.required(`must specify one of ${known}`);
    return;
  }
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) yield path.index(index).invalid(version, "duplicate version");
    else yield* invalidEach(path.index(index), version, dns1035LabelErrors(version));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) yield path.invalid(versions, `must include at least one of ${known}`);
}

export const webhookColumns: readonly Column<Configuration>[] = [nameColumn, { name: "Webhooks", type: "integer", value: ({ webhooks }) => (webhooks ?? []).length }, ageColumn];
