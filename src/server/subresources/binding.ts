import type { Binding, Pod, PodCondition, PodStatus } from "../../api/generated/types/core-v1.ts";
import { schemaByName } from "../../api/schemas.ts";
import { rfc3339 } from "../../base/clock.ts";
import { invariant } from "../../base/invariant.ts";
import type { Draft } from "../../base/values.ts";
import { badRequest, conflict, invalid, modifiedText, notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { ConflictError } from "../../store/contract.ts";
import type { AdmissionRequest } from "../admission/admission.ts";
import { annotateIn } from "../audit/annotate.ts";
import { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { readObject } from "../registry/body.ts";
import { put } from "../registry/commit.ts";
import { fieldValidationOf, isDryRun } from "../registry/options.ts";
import { keyFor, type ServedResource, type Storage } from "../resources/served-resource.ts";
import { negotiate } from "../respond/negotiate.ts";
import { successStatus, valueResponse } from "../respond/response.ts";

const bindingSchema = schemaByName("io.k8s.api.core.v1.Binding");
/** How often it is tried again when others write to the pod in between. */
const ATTEMPTS = 12;

/**
 * POST pods/NAME/binding and POST bindings: gives a pod to a node. Nothing of the pod but what a binding sets is looked
 * at again: its admission is that of the Binding. @upstream pkg/registry/core/pod/storage/storage.go
 */
export async function bindPod(parts: ServerParts, context: ResourceContext): Promise<ApiResponse> {
  const { request, query, target, warnings, user } = context;
  const form = negotiate(request, query, { medias: ["json", "yaml", "protobuf"] });
  const pods = parts.table.get("", "v1", "pods");
  invariant(pods?.storage, "pods are not served");
  const reading = readObject(request, asBinding(context.served), fieldValidationOf(query, "CreateOptions"), warnings);
  const binding = (reading instanceof Promise ? await reading : reading) as unknown as Draft<Binding>;
  const name = target.name === "" ? (binding.metadata.name ?? "") : target.name;
  if (binding.metadata.name !== undefined && binding.metadata.name !== name) throw badRequest("name in URL does not match name in Binding object");
  const dryRun = isDryRun(query.getAll("dryRun"), "CreateOptions");
  const admission: AdmissionRequest = {
    operation: "CREATE",
    served: pods,
    subresource: "binding",
    namespace: target.namespace,
    name,
    user,
    dryRun,
    object: binding,
    previous: undefined,
    alsoCommit: [],
    warn: (text) => warnings.push(text),
    annotate: annotateIn(context.audit),
  };
  try {
    const mutating = parts.admission.mutate(admission);
    if (mutating !== undefined) await mutating;
    checkTarget(binding, name);
    const validating = parts.admission.validate(admission);
    if (validating !== undefined) await validating;
    await assign(parts, pods.storage, { namespace: target.namespace, name, binding, dryRun });
  } finally {
    parts.admission.release(admission);
  }
  return valueResponse(201, { ...successStatus(), code: 201 }, form);
}

const bindings = new WeakMap<ServedResource, ServedResource>();

/** How the body is read, whatever resource it was sent to. PERF: worked out once. */
function asBinding(served: ServedResource): ServedResource {
  invariant(bindingSchema, "a Binding has a schema");
  let known = bindings.get(served);
  if (known === undefined) {
    known = { ...served, schema: bindingSchema, apiVersion: "v1", resource: { ...served.resource, kind: "Binding" } };
    bindings.set(served, known);
  }
  return known;
}

interface Assignment {
  readonly namespace: string;
  readonly name: string;
  readonly binding: Draft<Binding>;
  readonly dryRun: boolean;
}

/** Read, change, write; again when somebody else was faster. */
async function assign(parts: ServerParts, storage: Storage, { namespace, name, binding, dryRun }: Assignment): Promise<void> {
  const key = keyFor(storage, namespace, name);
  const target = { store: parts.store, cache: parts.cache, storage };
  let current = storage.cache.get(key);
  for (let attempt = 1; ; attempt += 1) {
    if (current === undefined && attempt === 1) {
      await parts.cache.fresh();
      current = storage.cache.get(key);
    }
    if (current === undefined) throw notFound({ group: "", resource: "pods", name });
    try {
      const pod = bound(current.object as Pod, binding, name, parts.clock.now());
      if (!dryRun) await put(target, key, pod, { revision: current.revision });
      return;
    } catch (error) {
      if (error instanceof ConflictError) {
        if (attempt >= ATTEMPTS) throw conflict({ group: "", resource: "pods/binding", name }, modifiedText);
        current = error.key === key && error.current !== undefined ? new CacheEntry(key, error.current.value, error.current.revision) : undefined;
        continue;
      }
      // A refusal counts only if what was looked at is what stands: another server may have written since.
      if (attempt > 1) throw error;
      await parts.cache.fresh();
      const newest = storage.cache.get(key);
      if (newest?.revision === current.revision) throw error;
      current = newest;
    }
  }
}

/** The target is required, but the body is anybody's. */
function checkTarget({ target = {} }: Partial<Draft<Binding>>, name: string): void {
  const errors = [];
  if (target.kind !== undefined && target.kind !== "" && target.kind !== "Node")
    errors.push({ type: "FieldValueNotSupported" as const, field: "target.kind", value: target.kind, detail: 'supported values: "Node", "<empty>"' });
  if ((target.name ?? "") === "") errors.push({ type: "FieldValueRequired" as const, field: "target.name", value: "", detail: "" });
  if (errors.length > 0) throw invalid({ group: "", kind: "Binding", name }, errors);
}

/** PERF: what does not change is shared with what stands. */
function bound(pod: Pod, binding: Draft<Binding>, name: string, nowMs: number): Pod {
  const subject = { group: "", resource: "pods/binding", name };
  const wrong = (why: string): Error => conflict(subject, why);
  const { uid } = binding.metadata;
  if (uid !== undefined && uid !== "" && uid !== pod.metadata.uid) throw wrong(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  if (pod.metadata.deletionTimestamp !== undefined) throw wrong(`pod ${name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec.nodeName ?? "") !== "") throw wrong(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if ((pod.spec.schedulingGates ?? []).length > 0) throw wrong(`pod ${name} has non-empty .spec.schedulingGates`);
  const { annotations, labels } = binding.metadata;
  const metadata = { ...pod.metadata };
  if (annotations !== undefined && Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations };
  if (labels !== undefined && Object.keys(labels).length > 0) metadata.labels = { ...metadata.labels, ...labels };
  const status = withoutNomination(pod.status);
  const conditions = withScheduled(status.conditions ?? [], pod.metadata.generation, nowMs);
  return { ...pod, metadata, spec: { ...pod.spec, nodeName: binding.target.name ?? "" }, status: { ...status, conditions } };
}

function withoutNomination(status: PodStatus = {}): PodStatus {
  if (status.nominatedNodeName === undefined) return status;
  const { nominatedNodeName: _, ...others } = status;
  return others;
}

/** @upstream pkg/api/v1/pod/util.go UpdatePodCondition */
function withScheduled(conditions: readonly PodCondition[], generation: number | undefined, nowMs: number): readonly PodCondition[] {
  const at = conditions.findIndex(({ type }) => type === "PodScheduled");
  const condition: PodCondition = {
    type: "PodScheduled",
    status: "True",
    lastTransitionTime: rfc3339(nowMs),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return at < 0 ? [...conditions, condition] : conditions.with(at, condition);
}
