import type { TokenRequest } from "../../api/generated/types/authentication-v1.ts";
import type { ServiceAccount } from "../../api/generated/types/core-v1.ts";
import { schemaByName } from "../../api/schemas.ts";
import { rfc3339 } from "../../base/clock.ts";
import { invariant } from "../../base/invariant.ts";
import type { Draft } from "../../base/values.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { badRequest, conflict, type FieldError, invalid, notFound } from "../../meta/status-error.ts";
import type { BoundObject, ServiceAccountTokens, TokenRequestSpec } from "../authn/service-account-tokens.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { readObject } from "../registry/body.ts";
import { fieldValidationOf, isDryRun } from "../registry/options.ts";
import { keyFor, type ServedResource } from "../resources/served-resource.ts";
import { negotiate } from "../respond/negotiate.ts";
import { valueResponse } from "../respond/response.ts";

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
/** The longest that this server issues, whatever is asked for. */
const LONGEST_SECONDS = 365 * 86_400;

/** POST serviceaccounts/NAME/token. @upstream pkg/registry/core/serviceaccount/storage/token.go */
export function tokenRequest(tokens: ServiceAccountTokens): SpecialHandler {
  return async (parts, context) => {
    const { request, query, target, served, warnings, audit } = context;
    const form = negotiate(request, query, { medias: ["json", "yaml", "protobuf"] });
    const { storage } = served;
    const schema = schemaByName("io.k8s.api.authentication.v1.TokenRequest");
    invariant(storage && schema, "service accounts are not served");
    await parts.cache.fresh();
    const account = storage.cache.get(keyFor(storage, target.namespace, target.name))?.object as ServiceAccount | undefined;
    if (account === undefined) throw notFound({ ...served.resource, name: target.name });
    const asRequest: ServedResource = {
      ...served,
      schema,
      apiVersion: "authentication.k8s.io/v1",
      resource: { ...served.resource, group: "authentication.k8s.io", kind: "TokenRequest" },
    };
    const asked = (await readObject(request, asRequest, fieldValidationOf(query, "CreateOptions"), warnings)) as unknown as Draft<TokenRequest>;
    if (asked.metadata?.name !== undefined && asked.metadata.name !== target.name) throw badRequest(`must match the service account name: ${target.name}`);
    const seconds = asked.spec.expirationSeconds ?? DEFAULT_SECONDS;
    checkSeconds(seconds, target.name);
    const audiences = (asked.spec.audiences ?? []).length > 0 ? (asked.spec.audiences ?? []) : tokens.audiences;
    const admission: AdmissionRequest = {
      operation: "CREATE",
      served,
      subresource: "token",
      namespace: target.namespace,
      name: target.name,
      user: context.user,
      dryRun: isDryRun(query.getAll("dryRun"), "CreateOptions"),
      object: asked as unknown as Draft<KubeObject>,
      previous: undefined,
      work: context.work,
      alsoCommit: [],
      warn: (text) => warnings.push(text),
      annotate: annotateIn(audit),
    };
    await parts.admission.mutate(admission);
    await parts.admission.validate(admission);
    const binding = boundTo(parts, context, asked);
    const spec: TokenRequestSpec = {
      namespace: target.namespace,
      name: target.name,
      uid: account.metadata.uid ?? "",
      audiences,
      seconds: Math.min(seconds, LONGEST_SECONDS),
      ...binding,
    };
    if (admission.dryRun) return valueResponse(201, { ...asked, status: { token: "", expirationTimestamp: rfc3339(parts.clock.now() + spec.seconds * 1000) } }, form);
    const { token, expiresAtMs } = tokens.issue(spec);
    return valueResponse(
      201,
      {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata: { name: target.name, namespace: target.namespace, creationTimestamp: rfc3339(parts.clock.now()) },
        spec: { ...asked.spec, audiences, expirationSeconds: spec.seconds },
        status: { token, expirationTimestamp: rfc3339(expiresAtMs) },
      },
      form,
    );
  };
}

function checkSeconds(seconds: number, name: string): void {
  const errors: FieldError[] = [];
  const field = "spec.expirationSeconds";
  if (seconds < MIN_SECONDS) errors.push({ type: "FieldValueInvalid", field, value: seconds, detail: "may not specify a duration less than 10 minutes" });
  if (seconds > MAX_SECONDS) errors.push({ type: "FieldValueInvalid", field, value: seconds, detail: "may not specify a duration larger than 2^32 seconds" });
  if (errors.length > 0) throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest", name }, errors);
}

const boundPlaces: Readonly<Record<string, { readonly resource: string; readonly kind: BoundObject["kind"]; readonly namespaced: boolean } | undefined>> = {
  "v1/Pod": { resource: "pods", kind: "Pod", namespaced: true },
  "v1/Secret": { resource: "secrets", kind: "Secret", namespaced: true },
  "v1/Node": { resource: "nodes", kind: "Node", namespaced: false },
};

/** What the token shall end with: it must stand, and a pod must run as this account. */
function boundTo(parts: ServerParts, { target }: ResourceContext, asked: Draft<TokenRequest>): Pick<TokenRequestSpec, "bound" | "node"> {
  const reference = asked.spec.boundObjectRef;
  if (reference === undefined) return {};
  const place = boundPlaces[`${reference.apiVersion ?? "v1"}/${reference.kind ?? ""}`];
  if (place === undefined) throw badRequest(`cannot bind token for object of type ${reference.apiVersion ?? ""}, Kind=${reference.kind ?? ""}`);
  const name = reference.name ?? "";
  const subject = { group: "", resource: place.resource, name };
  const served = parts.table.get("", "v1", place.resource);
  invariant(served?.storage, `${place.resource} are not served`);
  const object = served.storage.cache.get(keyFor(served.storage, place.namespaced ? target.namespace : "", name))?.object;
  if (object === undefined) throw notFound(subject);
  const uid = object.metadata.uid ?? "";
  if (reference.uid !== undefined && reference.uid !== "" && reference.uid !== uid)
    throw conflict(subject, `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  const bound = { kind: place.kind, name, uid };
  if (place.kind !== "Pod") return { bound };
  const pod = object as Pod;
  if ((pod.spec.serviceAccountName ?? "default") !== target.name)
    throw badRequest(`cannot bind token for serviceaccount "${target.name}" to pod running with different serviceaccount name.`);
  const nodeName = pod.spec.nodeName ?? "";
  if (nodeName === "") return { bound };
  const nodes = parts.table.get("", "v1", "nodes");
  const nodeUid = nodes?.storage?.cache.get(keyFor(nodes.storage, "", nodeName))?.object.metadata.uid;
  return { bound, node: { name: nodeName, ...(nodeUid === undefined ? {} : { uid: nodeUid }) } };
}
