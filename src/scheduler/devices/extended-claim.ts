import type { ContainerExtendedResourceRequest, Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { EXTENDED_RESOURCE_CLAIM } from "../../api/resource/pod-claims.ts";
import { mayBeDevices, type ResourceClasses } from "../../api/resource/resource-classes.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import { type ExtendedRequests, extendedRequests } from "./extended-requests.ts";

/** No claim can have this name: it stands for one that is made once a node is chosen. */
const NAME_IN_MEMORY = "<extended-resources>";

/** The claim of a pod's extended resources, as one node needs it. */
export interface NodeExtendedClaim {
  readonly claim: ResourceClaim;
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

/** Whether the pod asks for extended resources that are devices of a class. */
export function asksForDevices({ requests }: PodInfo, classes: ResourceClasses): boolean {
  for (const [name, count] of requests.scalars) if (count > 0 && classes.of(name) !== undefined) return true;
  return false;
}

/** A claim that asks for nothing yet, with a UID of its own for as long as it is only thought of. */
export function thoughtOfClaim({ metadata }: Pod, uid: string): ResourceClaim {
  const { name = "", namespace, uid: podUid = "" } = metadata;
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: {
      name: NAME_IN_MEMORY,
      namespace,
      uid,
      generateName: `${name}-extended-resources-`,
      annotations: { [EXTENDED_RESOURCE_CLAIM]: "true" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid: podUid, controller: true }],
    },
    spec: {},
  };
}

export function isThoughtOf({ metadata }: ResourceClaim): boolean {
  return metadata.name === NAME_IN_MEMORY;
}

/** What the claim asks for on a node that has some of the resources by itself; undefined: the node has them all. */
export function claimOnNode(pod: PodInfo, node: NodeInfo, claim: ResourceClaim, classes: ResourceClasses): NodeExtendedClaim | { readonly lacks: string } | undefined {
  const wanted: string[] = [];
  for (const [name, count] of pod.requests.scalars) {
    if (count === 0 || !mayBeDevices(name)) continue;
    const isThere = (node.allocatable.scalars.get(name) ?? 0) > 0;
    if (classes.of(name) !== undefined && !isThere) wanted.push(name);
    else if (!node.allocatable.scalars.has(name)) return { lacks: name };
  }
  if (wanted.length === 0) return undefined;
  const { requests, mappings }: ExtendedRequests = extendedRequests(pod.pod, wanted, (name) => classes.of(name));
  return { claim: { ...claim, spec: { devices: { requests } } }, mappings };
}
