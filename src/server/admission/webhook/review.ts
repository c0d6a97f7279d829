import { type Random, uuid } from "../../../base/random.ts";
import type { KubeObject } from "../../../meta/object.ts";
import { badRequest, StatusError } from "../../../meta/status-error.ts";
import type { Status } from "../../../meta/generated/meta-v1.ts";
import type { ServedResource } from "../../resources/served-resource.ts";
import type { AdmissionRequest } from "../admission.ts";
import { inVersion } from "../policy/match-rules.ts";
import { requestValue, withKind } from "../policy/request-value.ts";
import { targetOf, type Webhook, type WebhookDeps, WebhookFailure } from "./hook.ts";

/** What a webhook said. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status?: Status | undefined;
  /** A JSON patch as text. */
  readonly patch?: string | undefined;
  readonly warnings: readonly string[];
  /** What it has to say in the audit log. */
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

const reviewVersions = ["v1", "v1beta1"];

/** Asks a webhook. Throws WebhookFailure, or a StatusError for what it must not be asked. @upstream webhook/{validating,mutating}/dispatcher.go */
export async function askWebhook(webhook: Webhook, request: AdmissionRequest, matched: ServedResource, deps: WebhookDeps & { readonly random: Random }): Promise<Verdict> {
  if (request.dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun")
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  const version = reviewVersions.find((known) => webhook.admissionReviewVersions.includes(known));
  if (version === undefined) throw new WebhookFailure("webhook does not accept known AdmissionReview versions (v1, v1beta1)");
  const apiVersion = `admission.k8s.io/${version}`;
  const uid = uuid(deps.random);
  const view = async (object: KubeObject | undefined): Promise<KubeObject | null> => withKind(await inVersion(object, request.served, matched), matched) ?? null;
  const body = JSON.stringify({
    kind: "AdmissionReview",
    apiVersion,
    request: { ...requestValue(request, matched, uid), object: await view(request.object as KubeObject | undefined), oldObject: await view(request.previous) },
  });
  const { shown, locate, ...target } = targetOf(webhook, deps);
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await deps.webhooks.post({ ...target, ...locate(), body, signal: request.work?.signal });
  } catch (error) {
    throw new WebhookFailure(`failed to call webhook: Post ${JSON.stringify(shown)}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (answer.status === 404) throw new WebhookFailure("failed to call webhook: the server could not find the requested resource");
  if (answer.status < 200 || answer.status > 206)
    throw new WebhookFailure(`failed to call webhook: an error on the server (${JSON.stringify(answer.body.slice(0, 2048))}) has prevented the request from succeeding`);
  return readReview(answer.body, apiVersion, uid);
}

function readReview(text: string, apiVersion: string, uid: string): Verdict {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    throw new WebhookFailure("failed to call webhook: couldn't get version/kind; json parse error: invalid JSON");
  }
  const {
    apiVersion: version,
    kind,
    response,
  } = (typeof review === "object" && review !== null ? review : {}) as { readonly apiVersion?: unknown; readonly kind?: unknown; readonly response?: unknown };
  if (version !== apiVersion || kind !== "AdmissionReview")
    throw new WebhookFailure(`received invalid webhook response: expected webhook response of ${apiVersion}, Kind=AdmissionReview, got ${String(version)}, Kind=${String(kind)}`);
  if (typeof response !== "object" || response === null) throw new WebhookFailure("received invalid webhook response: webhook response was absent");
  const { uid: answered, allowed, status, patch, patchType, warnings, auditAnnotations } = response as { readonly [field: string]: unknown };
  if (answered !== uid && apiVersion.endsWith("/v1"))
    throw new WebhookFailure(`received invalid webhook response: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(answered ?? "")}`);
  const hasPatch = typeof patch === "string" && patch !== "";
  if (hasPatch && patchType !== "JSONPatch" && apiVersion.endsWith("/v1"))
    throw new WebhookFailure('received invalid webhook response: webhook returned response.patch but not response.patchType: "JSONPatch" is required');
  return {
    allowed: allowed === true,
    ...(typeof status === "object" && status !== null ? { status: status as Status } : {}),
    ...(hasPatch ? { patch: decodePatch(patch) } : {}),
    warnings: Array.isArray(warnings) ? warnings.filter((warning): warning is string => typeof warning === "string") : [],
    auditAnnotations: textsIn(auditAnnotations),
  };
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function decodePatch(patch: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(patch), (char) => char.charCodeAt(0)));
  } catch {
    throw new WebhookFailure("received invalid webhook response: patch is not base64");
  }
}

/** @upstream webhook/errors/statuserror.go ToStatusErr */
export function denial(webhook: string, status: Status | undefined): StatusError {
  const { message = "", reason = "", code = 0 } = status ?? {};
  const head = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  return new StatusError({
    ...status,
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: message !== "" ? `${head}: ${message}` : reason !== "" ? `${head}: ${reason}` : `${head} without explanation`,
    code: code < 400 ? 403 : code,
  });
}
