import type { TokenRequest } from "../../api/generated/types/authentication-v1.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden, notFound, type StatusError } from "../../meta/status-error.ts";
import type { NodeGraph } from "../authz/node-graph.ts";
import { nodeOf } from "../authz/node-identity.ts";
import { referencesOf } from "../authz/pod-references.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { forbiddenNodeLabels } from "./node-labels.ts";

const NODES = "/registry/minions/";
const MIRROR = "kubernetes.io/config.mirror";
const quote = (text: string): string => JSON.stringify(text);

/** Keeps a kubelet to its own node, that node's pods and its own lease. @upstream plugin/pkg/admission/noderestriction/admission.go */
export function nodeRestriction(deps: { readonly graph: NodeGraph; readonly cache: StateCache }): AdmissionPlugin {
  const nodes = deps.cache.resource(NODES);
  const restrict = async (request: AdmissionRequest, node: string): Promise<void> => {
    const { served, subresource } = request;
    const refuse = (why: string): StatusError => forbidden({ ...served.resource, name: request.name }, why);
    if (node === "") throw refuse(`could not determine node from user ${quote(request.user.name)}`);
    let problem: string | undefined;
    switch (`${served.resource.group}/${served.resource.resource}`) {
      case "/pods":
        if (subresource === "") problem = podProblem(request, node, nodes.get(NODES + node)?.object as Node | undefined);
        else if (subresource === "status") problem = podStatusProblem(request, node);
        else problem = `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`;
        break;
      case "/nodes":
        problem = nodeProblem(request, node);
        break;
      case "/persistentvolumeclaims":
        if (subresource !== "status") problem = "may only update PVC status";
        break;
      case "/serviceaccounts":
        if (subresource === "token" && request.operation === "CREATE") problem = await tokenProblem(request, node, deps.graph);
        break;
      case "coordination.k8s.io/leases":
        if (request.namespace !== "kube-node-lease") problem = 'can only access leases in the "kube-node-lease" system namespace';
        else if (nameOf(request) !== node) problem = "can only access node lease with the same name as the requesting node";
        break;
      case "storage.k8s.io/csinodes":
        if (nameOf(request) !== node) problem = "can only access CSINode with the same name as the requesting node";
        break;
      case "resource.k8s.io/resourceslices":
        problem = sliceProblem(request, node);
        break;
    }
    if (problem !== undefined) throw refuse(problem);
  };
  return {
    name: "NodeRestriction",
    validate(request) {
      const node = nodeOf(request.user);
      return node === undefined ? undefined : restrict(request, node);
    },
  };
}

/** A new object's name is in the object. */
function nameOf({ name, object }: AdmissionRequest): string {
  return name === "" ? (object?.metadata.name ?? "") : name;
}

function podProblem({ operation, object, previous }: AdmissionRequest, node: string, self: Node | undefined): string | undefined {
  const who = `node ${quote(node)}`;
  if (operation === "DELETE") return (previous as Pod | undefined)?.spec.nodeName === node ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
  if (operation !== "CREATE" || object === undefined) return `unexpected operation ${quote(operation)}, ${who} can only create and delete mirror pods`;
  const pod = object as KubeObject as Pod;
  if (pod.metadata.annotations?.[MIRROR] === undefined) return `pod does not have ${quote(MIRROR)} annotation, ${who} can only create mirror pods`;
  if (pod.spec.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`;
  const [owner, ...more] = pod.metadata.ownerReferences ?? [];
  if (more.length > 0) return `${who} can only create pods with a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) return `${who} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true) return `${who} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `${who} must not set blockOwnerDeletion on an owner reference`;
  if (self === undefined) throw notFound({ group: "", resource: "nodes", name: node });
  if (owner.uid !== self.metadata.uid) return `node ${node} UID mismatch: expected ${owner.uid} got ${self.metadata.uid ?? ""}`;
  const [kind] = [...referencesOf(pod)].map((reference) => reference.slice(0, reference.indexOf("/")));
  if (kind !== undefined) return `${who} can not create pods that reference ${kind === "serviceaccounts" ? "a service account" : kind}`;
  return undefined;
}

function podStatusProblem({ operation, object, previous }: AdmissionRequest, node: string): string | undefined {
  const who = `node ${quote(node)}`;
  if (operation !== "UPDATE") return `unexpected operation ${quote(operation)}, ${who} can only update pod status`;
  const next = object as KubeObject as Pod;
  const old = previous as Pod;
  if (old.spec.nodeName !== node) return `${who} can only update pod status for pods with spec.nodeName set to itself`;
  if (!deepEqual(old.metadata.labels ?? {}, next.metadata.labels ?? {})) return `${who} cannot update labels through pod status`;
  if (!deepEqual(old.status?.resourceClaimStatuses ?? [], next.status?.resourceClaimStatuses ?? [])) return `${who} cannot update resource claim statuses`;
  if (!deepEqual(old.status?.extendedResourceClaimStatus, next.status?.extendedResourceClaimStatus)) return `${who} cannot update extended resource claim statuses`;
  return undefined;
}

function nodeProblem(request: AdmissionRequest, node: string): string | undefined {
  const { operation, object, previous } = request;
  const who = `node ${quote(node)}`;
  const name = nameOf(request);
  if (name !== node) return `${who} is not allowed to modify node ${quote(name)}`;
  if (object === undefined) return undefined;
  const next = object as KubeObject as Node;
  const old = previous as Node | undefined;
  const labels = forbiddenNodeLabels(next.metadata.labels ?? {}, old?.metadata.labels ?? {});
  if (operation === "CREATE") return labels.length === 0 ? undefined : `${who} is not allowed to set the following labels: ${labels.join(", ")}`;
  if (!deepEqual(next.spec.taints ?? [], old?.spec.taints ?? [])) return `${who} is not allowed to modify taints`;
  if (labels.length > 0) return `${who} is not allowed to modify labels: ${labels.join(", ")}`;
  if (!deepEqual(next.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])) return `${who} is not allowed to modify ownerReferences`;
  return undefined;
}

async function tokenProblem({ object, namespace }: AdmissionRequest, node: string, graph: NodeGraph): Promise<string | undefined> {
  const { boundObjectRef: bound } = (object as KubeObject as TokenRequest).spec;
  if (bound === undefined || bound.apiVersion !== "v1" || bound.kind !== "Pod" || (bound.name ?? "") === "") return "node requested token not bound to a pod";
  if ((bound.uid ?? "") === "") return "node requested token with a pod binding without a uid";
  if (graph.podAt(namespace, bound.name ?? "") === undefined) await graph.fresh();
  const pod = graph.podAt(namespace, bound.name ?? "");
  if (pod === undefined) throw notFound({ group: "", resource: "pods", name: bound.name ?? "" });
  if (pod.metadata.uid !== bound.uid)
    return `the UID in the bound object reference (${bound.uid ?? ""}) does not match the UID in record. The object might have been deleted and then recreated`;
  return pod.spec.nodeName === node ? undefined : "node requested token bound to a pod scheduled on a different node";
}

function sliceProblem({ object, previous }: AdmissionRequest, node: string): string | undefined {
  for (const slice of [object, previous] as readonly ({ readonly spec?: { readonly nodeName?: string } } | undefined)[])
    if (slice !== undefined && slice.spec?.nodeName !== node) return "can only create, update or delete ResourceSlices with the same nodeName as the requesting node";
  return undefined;
}
