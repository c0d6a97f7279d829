import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import { nameOfClaim, whyNotForPod } from "../../api/resource/pod-claims.ts";

export interface ClaimReader {
  get(key: string): ResourceClaim | undefined;
}

/** The claims that a pod names, or why it cannot be scheduled before something changes. @upstream dynamicresources.go foreachPodResourceClaim */
export function claimsOfPod(pod: Pod, claims: ClaimReader): readonly ResourceClaim[] | { readonly missing: string } {
  const found: ResourceClaim[] = [];
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const named = nameOfClaim(pod, podClaim);
    if (named === "none") continue;
    if ("missing" in named) return { missing: named.missing };
    const key = `${pod.metadata.namespace ?? ""}/${named.name}`;
    const claim = claims.get(key);
    if (claim === undefined) return { missing: `could not find ResourceClaim ${JSON.stringify(key)}` };
    if (claim.metadata.deletionTimestamp !== undefined) return { missing: `resourceclaim ${JSON.stringify(named.name)} is being deleted` };
    const why = named.checksOwner ? whyNotForPod(pod, claim) : undefined;
    if (why !== undefined) return { missing: why };
    found.push(claim);
  }
  return found;
}
