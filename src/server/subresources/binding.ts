import type { Binding, Pod } from "../../api/generated/types/core-v1.ts";
import { schemaByName } from "../../api/schemas.ts";
import { rfc3339 } from "../../base/clock.ts";
import { invariant } from "../../base/invariant.ts";
import { clone, type Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { badRequest, conflict, invalid } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { readObject } from "../registry/body.ts";
import { fieldValidationOf, isDryRun } from "../registry/options.ts";
import { changeObject } from "../registry/update.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { negotiate } from "../respond/negotiate.ts";
import { successStatus, valueResponse } from "../respond/response.ts";

const bindingSchema = schemaByName("io.k8s.api.core.v1.Binding");

/** POST pods/NAME/binding and POST bindings: gives a pod to a node. @upstream pkg/registry/core/pod/storage/storage.go */
export async function bindPod(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { request, query, target, warnings } = context;
  const form = negotiate(request, query, { medias: ["json", "yaml", "protobuf"] });
  const pods = parts.table.get("", "v1", "pods");
  invariant(bindingSchema && pods?.storage, "pods are not served");
  const asBinding: ServedResource = { ...context.served, schema: bindingSchema, apiVersion: "v1", resource: { ...context.served.resource, kind: "Binding" } };
  const binding = (await readObject(request, asBinding, fieldValidationOf(query, "CreateOptions"), warnings)) as unknown as Draft<Binding>;
  const name = target.name === "" ? (binding.metadata.name ?? "") : target.name;
  if (binding.metadata.name !== undefined && binding.metadata.name !== name) throw badRequest("name in URL does not match name in Binding object");
  checkTarget(binding, name);
  await changeObject(parts, { ...context, served: { ...pods, hasStatus: false }, target: { ...target, resource: "pods", name, subresource: "binding" } }, pods.storage, {
    dryRun: isDryRun(query.getAll("dryRun"), "CreateOptions"),
    manager: undefined,
    // A binding changes only what nobody else may: the node.
    rules: {},
    retryConflicts: true,
    next: (previous) => Promise.resolve(bound(previous as Pod, binding, name, parts.clock.now())),
  });
  return valueResponse(201, { ...successStatus(), code: 201 }, form);
}

/** The target is required, but the body is anybody's. */
function checkTarget({ target = {} }: Partial<Draft<Binding>>, name: string): void {
  const errors = [];
  if (target.kind !== undefined && target.kind !== "" && target.kind !== "Node")
    errors.push({ type: "FieldValueNotSupported" as const, field: "target.kind", value: target.kind, detail: 'supported values: "Node", "<empty>"' });
  if ((target.name ?? "") === "") errors.push({ type: "FieldValueRequired" as const, field: "target.name", value: "", detail: "" });
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding", name }, errors);
}

function bound(pod: Pod, binding: Draft<Binding>, name: string, nowMs: number): Draft<KubeObject> {
  const subject = { group: "", resource: "pods/binding", name };
  const wrong = (why: string): Error => conflict(subject, why);
  if (binding.metadata.uid !== undefined && binding.metadata.uid !== pod.metadata.uid)
    throw wrong(`Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  if (pod.metadata.deletionTimestamp !== undefined) throw wrong(`pod ${name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec.nodeName ?? "") !== "") throw wrong(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if ((pod.spec.schedulingGates ?? []).length > 0) throw wrong(`pod ${name} has non-empty .spec.schedulingGates`);
  const draft = clone(pod) as Draft<Pod>;
  if (binding.target.name !== undefined) draft.spec.nodeName = binding.target.name;
  draft.metadata.annotations = { ...draft.metadata.annotations, ...binding.metadata.annotations };
  draft.metadata.labels = { ...draft.metadata.labels, ...binding.metadata.labels };
  if (Object.keys(draft.metadata.annotations).length === 0) delete draft.metadata.annotations;
  if (Object.keys(draft.metadata.labels).length === 0) delete draft.metadata.labels;
  const others = (draft.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  draft.status = {
    ...draft.status,
    conditions: [
      ...others,
      {
        type: "PodScheduled",
        status: "True",
        lastProbeTime: undefined,
        lastTransitionTime: rfc3339(nowMs),
        ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      },
    ],
  };
  return clone(draft) as unknown as Draft<KubeObject>;
}
