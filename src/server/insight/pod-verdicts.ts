import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodVerdict, PodVerdictStatus } from "../../api/insight/pod-verdict.ts";
import { FieldSelector } from "../../meta/field-selector.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import { keyOf } from "../../meta/object.ts";
import { badRequest, failure, notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import type { SpecialHandler } from "../dispatch.ts";
import { negotiate } from "../respond/negotiate.ts";
import { valueResponse } from "../respond/response.ts";
import { includeObjectOf, rowOf, tableOf } from "../respond/table.ts";

/** What the scheduler knows of a pod, by `namespace/name`; undefined: it does not know the pod yet. */
export type PodExplainer = (key: string) => PodVerdictStatus | undefined;

const PODS = "/registry/pods/";
/** A list says so much and no more: each verdict is worked out. */
const MAX_LISTED = 500;

/** GET podverdicts, one or all of a namespace. `explainer`: undefined while no scheduler runs in this process. */
export function podVerdictsOf(explainer: () => PodExplainer | undefined): SpecialHandler {
  return (parts, context) => Promise.resolve(context.target.name === "" ? listed(parts, context, explaining(explainer)) : single(parts, context, explaining(explainer)));
}

function explaining(explainer: () => PodExplainer | undefined): PodExplainer {
  const known = explainer();
  if (known === undefined) throw failure("ServiceUnavailable", "the scheduler does not run in this API server: ask the one that leads (lease kube-system/keles-control-plane)");
  return known;
}

function single(parts: ServerParts, context: ResourceContext, explain: PodExplainer): ApiResponse {
  const { served, target, query, request } = context;
  const form = negotiate(request, query, { table: true, medias: ["json", "yaml"] });
  const pod = parts.cache.resource(PODS).get(`${PODS}${target.namespace}/${target.name}`)?.object as Pod | undefined;
  if (pod === undefined) throw notFound({ ...served.resource, name: target.name });
  const verdict = verdictOf(pod, explain, served.apiVersion);
  if (form.as !== "table") return valueResponse(200, verdict, form);
  return valueResponse(200, tableOf(served, [rowOf(served, verdict, includeObjectOf(query), parts.clock.now())], {}), form);
}

function listed(parts: ServerParts, context: ResourceContext, explain: PodExplainer): ApiResponse {
  const { served, target, query, request } = context;
  const form = negotiate(request, query, { table: true, medias: ["json", "yaml"] });
  const takes = filterOf(query);
  const metadata: { resourceVersion: string; remainingItemCount?: number } = { resourceVersion: String(parts.cache.revision) };
  const verdicts: PodVerdict[] = [];
  let beyond = 0;
  for (const [, { object }] of parts.cache.resource(PODS).range(target.namespace === "" ? PODS : `${PODS}${target.namespace}/`)) {
    if (!takes(object as Pod)) continue;
    if (verdicts.length < MAX_LISTED) verdicts.push(verdictOf(object as Pod, explain, served.apiVersion));
    else beyond += 1;
  }
  if (beyond > 0) {
    metadata.remainingItemCount = beyond;
    context.warnings.push(`only the first ${MAX_LISTED} of ${MAX_LISTED + beyond} pods are explained: select fewer`);
  }
  if (form.as === "table") {
    const include = includeObjectOf(query);
    const rows = verdicts.map((verdict) => rowOf(served, verdict, include, parts.clock.now()));
    return valueResponse(200, tableOf(served, rows, metadata), form);
  }
  return valueResponse(200, { kind: "PodVerdictList", apiVersion: served.apiVersion, metadata, items: verdicts }, form);
}

/** Selects by the pods' own labels and names. */
function filterOf(query: URLSearchParams): (pod: Pod) => boolean {
  const fields = FieldSelector.parse(query.get("fieldSelector") ?? "");
  const labels = LabelSelector.parse(query.get("labelSelector") ?? "");
  const readers: Readonly<Record<string, (pod: Pod) => string>> = {
    "metadata.name": ({ metadata }) => metadata.name ?? "",
    "metadata.namespace": ({ metadata }) => metadata.namespace ?? "",
  };
  for (const { field } of fields.requirements) if (readers[field] === undefined) throw badRequest(`field label not supported: ${field}`);
  return (pod) => labels.matches(pod.metadata.labels) && fields.matches((field) => readers[field]?.(pod) ?? "");
}

function verdictOf(pod: Pod, explain: PodExplainer, apiVersion: string): PodVerdict {
  const { name, namespace, uid, creationTimestamp, labels } = pod.metadata;
  const status: PodVerdictStatus = explain(keyOf(pod)) ?? { phase: "Pending", message: "the scheduler has not seen the pod yet", nodes: 0 };
  return { apiVersion, kind: "PodVerdict", metadata: { name, namespace, uid, creationTimestamp, ...(labels === undefined ? {} : { labels }) } as PodVerdict["metadata"], status };
}
