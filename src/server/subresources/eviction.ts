import type { Eviction, PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { schemaByName } from "../../api/schemas.ts";
import { rfc3339 } from "../../base/clock.ts";
import { invariant } from "../../base/invariant.ts";
import { clone } from "../../base/values.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import { badRequest, failure, notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { decodeObject, readBody } from "../registry/body.ts";
import { deleteObject } from "../registry/delete.ts";
import { deleteRequestOf, fieldValidationOf } from "../registry/options.ts";
import { changeObject } from "../registry/update.ts";
import { keyFor, type ServedResource } from "../resources/served-resource.ts";
import { negotiate } from "../respond/negotiate.ts";
import { successStatus, valueResponse } from "../respond/response.ts";

/** More disruptions than this waiting to be seen means that the controller does not keep up. @upstream MaxDisruptedPodSize */
const MOST_DISRUPTED = 2000;

/** POST pods/NAME/eviction: deletes the pod if its disruption budget has room. @upstream pkg/registry/core/pod/storage/eviction.go */
export async function evictPod(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { request, query, served, target, warnings } = context;
  const { storage } = served;
  const schema = schemaByName("io.k8s.api.policy.v1.Eviction");
  invariant(storage && schema, "pods are not stored");
  const form = negotiate(request, query, { medias: ["json", "yaml", "protobuf"] });
  const asEviction: ServedResource = { ...served, schema, apiVersion: "policy/v1", resource: { ...served.resource, group: "policy", kind: "Eviction" } };
  const validation = fieldValidationOf(query, "CreateOptions");
  const raw = await readBody(request, { checkText: validation !== "Ignore", definition: schema.name, kind: "Eviction" });
  const eviction = decodeObject({ ...raw, value: inV1(raw.value) }, asEviction, validation, warnings) as unknown as Eviction;
  if (eviction.metadata.name !== target.name) throw badRequest("name in URL does not match name in Eviction object");
  const wanted = deleteRequestOf(eviction.deleteOptions ?? {}, query);
  await parts.cache.fresh();
  const pod = storage.cache.get(keyFor(storage, target.namespace, target.name))?.object as Pod | undefined;
  if (pod === undefined) throw notFound({ ...served.resource, name: target.name });
  if (!isDisruptionFree(pod)) await claimDisruption(parts, context, pod, wanted.dryRun);
  await deleteObject(parts, context, storage, target.name, wanted);
  return valueResponse(201, { ...successStatus(), code: 201 }, form);
}

/** An Eviction of policy/v1beta1 is one still: older clients send it, and its fields are the same. @upstream EvictionREST AcceptsGroupVersion */
function inV1(value: unknown): unknown {
  const given = value as { readonly apiVersion?: unknown } | null | undefined;
  return given?.apiVersion === "policy/v1beta1" ? { ...given, apiVersion: "policy/v1" } : value;
}

/** A pod that has ended, waits, or already goes disrupts nobody. */
function isDisruptionFree({ status, metadata }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed" || status?.phase === "Pending" || metadata.deletionTimestamp !== undefined;
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");
}

async function claimDisruption(parts: ServerParts, context: ResourceContext, pod: Pod, dryRun: boolean): Promise<void> {
  const budgets = parts.table.get("policy", "v1", "poddisruptionbudgets");
  invariant(budgets?.storage, "budgets are not stored");
  const { namespace = "", name = "", labels = {} } = pod.metadata;
  const mine: PodDisruptionBudget[] = [];
  for (const [, entry] of budgets.storage.cache.range(`${budgets.storage.prefix}${namespace}/`)) {
    const budget = entry.object as PodDisruptionBudget;
    if (budget.spec.selector !== undefined && LabelSelector.of(budget.spec.selector).matches(labels)) mine.push(budget);
  }
  const [budget] = mine;
  if (budget === undefined) return;
  if (mine.length > 1) throw failure("InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  if (!isReady(pod)) {
    // An unhealthy pod may go when the policy says so, or when the healthy ones are enough without it.
    if (budget.spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return;
    if (desiredHealthy > 0 && currentHealthy >= desiredHealthy) return;
  }
  await changeObject(
    parts,
    { ...context, served: budgets, target: { ...context.target, group: "policy", resource: "poddisruptionbudgets", name: budget.metadata.name ?? "", subresource: "status" } },
    budgets.storage,
    {
      dryRun,
      manager: undefined,
      retryConflicts: true,
      next: (previous) => {
        const draft = clone(previous as PodDisruptionBudget);
        const status = draft.status;
        const refuse = (message: string): Error =>
          failure("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", { causes: [{ reason: "DisruptionBudget", message }] });
        if (status === undefined || (status.observedGeneration ?? 0) < (draft.metadata.generation ?? 0)) {
          throw failure("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
            causes: [{ reason: "DisruptionBudget", message: `The disruption budget ${draft.metadata.name ?? ""} is still being processed by the server.` }],
            retryAfterSeconds: 10,
          });
        }
        const allowed = status.disruptionsAllowed ?? 0;
        if (allowed <= 0) {
          throw refuse(`The disruption budget ${draft.metadata.name ?? ""} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`);
        }
        const disrupted = status.disruptedPods ?? {};
        if (Object.keys(disrupted).length > MOST_DISRUPTED) throw refuse("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
        status.disruptionsAllowed = allowed - 1;
        status.disruptedPods = { ...disrupted, [name]: rfc3339(parts.clock.now()) };
        return Promise.resolve(clone(draft));
      },
    },
  );
}
