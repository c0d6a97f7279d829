import type { ObjectMeta } from "../../meta/generated/meta-v1.ts";
import { controllerOf, keyOf } from "../../meta/object.ts";
import type { Pod, PodResourceClaim } from "../generated/types/core-v1.ts";
import type { DeviceTaint, DeviceToleration, ResourceClaim } from "../generated/types/resource-v1.ts";

// What pods and the claims they name have to do with one another. @upstream dynamic-resource-allocation/resourceclaim/claim.go

/** A claim with it is kept until nobody uses what it was given. */
export const DELETE_PROTECTION = "resource.kubernetes.io/delete-protection";
/** The claim's metadata without the protection. */
export function unprotected(metadata: ObjectMeta): ObjectMeta {
  const { finalizers = [], ...rest } = metadata;
  const left = finalizers.filter((finalizer) => finalizer !== DELETE_PROTECTION);
  return left.length === 0 ? rest : { ...rest, finalizers: left };
}

/** On a claim that the scheduler made for a pod's extended resources. */
export const EXTENDED_RESOURCE_CLAIM = "resource.kubernetes.io/extended-resource-claim";
/** So many pods may use one claim. */
export const MAX_CONSUMERS = 256;

/** Which claim an entry of spec.resourceClaims stands for. */
export type NamedClaim =
  /** `checksOwner`: made for the pod, so it has to be the pod's own. */
  | { readonly name: string; readonly checksOwner: boolean }
  /** It was decided that none is needed. */
  | "none"
  | { readonly missing: string; readonly isToBeMade: boolean };

const podText = ({ metadata }: Pick<Pod, "metadata">): string => JSON.stringify(`${metadata.namespace ?? ""}/${metadata.name ?? ""}`);

export function nameOfClaim(pod: Pod, { name, resourceClaimName, resourceClaimTemplateName }: PodResourceClaim): NamedClaim {
  if (resourceClaimName !== undefined) return { name: resourceClaimName, checksOwner: false };
  if (resourceClaimTemplateName === undefined)
    return { missing: `pod ${podText(pod)}, spec.resourceClaim ${JSON.stringify(name)}: none of the supported fields are set`, isToBeMade: false };
  const status = pod.status?.resourceClaimStatuses?.find((entry) => entry.name === name);
  if (status === undefined) return { missing: `pod ${podText(pod)}: ResourceClaim not created yet`, isToBeMade: true };
  return status.resourceClaimName === undefined ? "none" : { name: status.resourceClaimName, checksOwner: true };
}

/** Why a claim is not the pod's own; undefined when it is. */
export function whyNotForPod(pod: Pod, claim: ResourceClaim): string | undefined {
  if (claim.metadata.namespace === pod.metadata.namespace && controllerOf(claim)?.uid === pod.metadata.uid) return undefined;
  return `ResourceClaim ${keyOf(claim)} was not created for pod ${keyOf(pod)} (pod is not owner)`;
}

export function isReservedFor({ metadata }: Pick<Pod, "metadata">, { status }: ResourceClaim): boolean {
  return (status?.reservedFor ?? []).some(({ uid }) => uid === metadata.uid);
}

/** Whether one more pod may use it. */
export function canBeReserved({ status }: ResourceClaim): boolean {
  return (status?.reservedFor ?? []).length < MAX_CONSUMERS;
}

/** @upstream resourceclaim/devicetoleration.go ToleratesTaint */
export function toleratesDeviceTaint(toleration: DeviceToleration, taint: DeviceTaint): boolean {
  const { effect = "", key = "", operator = "", value = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return (operator === "" || operator === "Equal") && value === (taint.value ?? "");
}

/** `gpu/large` names the alternative `large` of the request `gpu`. */
export function parentRequest(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

/** Every claim that a pod uses, by its name there, with the one the scheduler made for its extended resources. */
export function* claimNamesOf(pod: Pod): Iterable<{ readonly podClaim: string; readonly named: NamedClaim }> {
  for (const podClaim of pod.spec.resourceClaims ?? []) yield { podClaim: podClaim.name, named: nameOfClaim(pod, podClaim) };
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  if (extended !== undefined) yield { podClaim: "", named: { name: extended, checksOwner: false } };
}
