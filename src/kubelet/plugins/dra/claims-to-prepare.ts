import { resourceClaims } from "../../../api/generated/resources.ts";
import type { Pod } from "../../../api/generated/types/core-v1.ts";
import type { ResourceClaim } from "../../../api/generated/types/resource-v1.ts";
import { claimNamesOf, isReservedFor, whyNotForPod } from "../../../api/resource/pod-claims.ts";
import type { Client } from "../../../client/client.ts";
import { errorText } from "../../rpc-error-text.ts";

/** Names of the claims that the pod's entries stand for. Throws when one is not made yet. */
export function claimNames(pod: Pod): readonly { readonly name: string; readonly checksOwner: boolean }[] {
  return [...claimNamesOf(pod)].flatMap(({ named }) => {
    if (named === "none") return [];
    if ("missing" in named) throw new Error(named.missing);
    return [named];
  });
}

/** The pod's claims as the API has them. Throws when the pod may not use one of them. */
export async function claimsToPrepare(pod: Pod, { client, signal }: { readonly client: Client; readonly signal?: AbortSignal }): Promise<readonly ResourceClaim[]> {
  const { namespace, uid } = pod.metadata;
  const claims: ResourceClaim[] = [];
  for (const { name, checksOwner } of claimNames(pod)) {
    let claim: ResourceClaim;
    try {
      claim = await client.get(resourceClaims, name, { namespace, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      throw new Error(`fetch ResourceClaim ${name}: ${errorText(error)}`, { cause: error });
    }
    const foreign = checksOwner ? whyNotForPod(pod, claim) : undefined;
    if (foreign !== undefined) throw new Error(foreign);
    if (!isReservedFor(pod, claim)) throw new Error(`pod ${pod.metadata.name} (${uid}) is not allowed to use ResourceClaim ${name} (${claim.metadata.uid})`);
    if (claim.status?.allocation === undefined) throw new Error(`ResourceClaim ${name}: not allocated`);
    claims.push(claim);
  }
  return claims;
}
