import { pods } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim, ResourceClaimTemplate } from "../../api/generated/types/resource-v1.ts";
import { canBeReserved, claimNamesOf, DELETE_PROTECTION, isReservedFor, nameOfClaim, whyNotForPod } from "../../api/resource/pod-claims.ts";
import type { NewObject } from "../../client/client.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { isPodTerminal } from "../pods/pod-state.ts";

/** On a claim made from a template: the entry of spec.resourceClaims that it was made for. */
export const POD_CLAIM_NAME = "resource.kubernetes.io/pod-claim-name";

/** Room for a hyphen and five random characters in a name of 63. */
const MAX_BASE = 57;

/** Whether the pod will not use its claims any more. @upstream pkg/controller/resourceclaim/controller.go isPodDone */
export function isPodDone(pod: Pod): boolean {
  return isPodTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && (pod.spec.nodeName ?? "") === "");
}

/** `web-gpu-`; when that is too long, both names are cut in proportion. */
export function claimNameBase(pod: string, podClaim: string): string {
  const whole = `${pod}-${podClaim}-`;
  if (whole.length <= MAX_BASE) return whole;
  const part = (name: string): string => name.slice(0, Math.floor((name.length * MAX_BASE) / whole.length));
  return `${part(pod)}-${part(podClaim)}`;
}

export function claimFor(pod: Pod, podClaim: string, { spec }: ResourceClaimTemplate): NewObject<ResourceClaim> {
  const { labels, annotations } = spec.metadata ?? {};
  return {
    metadata: {
      generateName: claimNameBase(pod.metadata.name ?? "", podClaim),
      namespace: pod.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [POD_CLAIM_NAME]: podClaim },
      ownerReferences: [controllerReference(pod, pods)],
    },
    spec: spec.spec,
  };
}

export interface ClaimReader {
  get(key: string): ResourceClaim | undefined;
}

/** Whether something has to be made or reserved for the pod. @upstream podNeedsWork */
export function needsWork(pod: Pod, claims: ClaimReader): boolean {
  // What a pod that is over had is deleted: to make it again would have no end.
  if (pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return false;
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const named = nameOfClaim(pod, podClaim);
    if (named === "none") return false;
    if ("missing" in named) return true;
    const claim = claims.get(`${pod.metadata.namespace ?? ""}/${named.name}`);
    if (claim === undefined) return podClaim.resourceClaimTemplateName !== undefined;
    if (named.checksOwner && whyNotForPod(pod, claim) !== undefined) return false;
    if (mustReserve(pod, claim)) return true;
  }
  return false;
}

/** A pod that came to its node without the scheduler has to be written into its claims. */
export function mustReserve(pod: Pod, claim: ResourceClaim): boolean {
  return (pod.spec.nodeName ?? "") !== "" && claim.status?.allocation !== undefined && !isReservedFor(pod, claim) && canBeReserved(claim);
}

/** Keys of the claims that exist for the pod. */
export function claimKeysOf(pod: Pod): readonly string[] {
  return [...claimNamesOf(pod)].flatMap(({ named }) => (named === "none" || "missing" in named ? [] : [`${pod.metadata.namespace ?? ""}/${named.name}`]));
}

/** What is to be done about a claim, given those consumers that are still there. */
export interface ClaimPlan {
  /** The status as it should be; undefined: as it is. */
  readonly status: ResourceClaim["status"];
  /** Nobody uses what it has: it may be deleted. */
  readonly unprotect: boolean;
}

/** @upstream syncClaim */
export function planClaim(claim: ResourceClaim, valid: NonNullable<ResourceClaim["status"]>["reservedFor"] = []): ClaimPlan {
  const { status = {} } = claim;
  const isProtected = (claim.metadata.finalizers ?? []).includes(DELETE_PROTECTION);
  const { allocation, reservedFor: _reservedFor, devices, ...rest } = status;
  if (valid.length < (status.reservedFor ?? []).length) {
    const keeps = valid.length > 0 || !isProtected;
    const next = {
      ...rest,
      ...(keeps && allocation !== undefined ? { allocation } : {}),
      ...(keeps && devices !== undefined ? { devices } : {}),
      ...(valid.length === 0 ? {} : { reservedFor: valid }),
    };
    return { status: next, unprotect: isProtected && (!keeps || allocation === undefined) };
  }
  if (!isProtected || claim.metadata.deletionTimestamp === undefined || valid.length > 0) return { status: undefined, unprotect: false };
  return { status: allocation === undefined ? undefined : rest, unprotect: true };
}
