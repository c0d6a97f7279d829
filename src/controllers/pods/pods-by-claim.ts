import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Informer, InformerFactory, Lister } from "../../client/informer.ts";

const name = "volume-claim";
const none: readonly string[] = [];

/** Keys of the volume claims a pod uses, generic ephemeral ones among them. PERF: asked at every news of a pod, and few use any. */
export function claimsOf(pod: Pod): readonly string[] {
  let keys: string[] | undefined;
  for (const { name: volume, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume}`);
    if (claim === undefined) continue;
    keys ??= [];
    keys.push(`${pod.metadata.namespace}/${claim}`);
  }
  return keys ?? none;
}

/** Finds the pods that use a volume claim without a scan. Index in `setup`, then ask. */
export const podsByClaim = {
  index(informers: InformerFactory, pods: Informer<Pod>): void {
    informers.addIndex(pods, name, (pod) => {
      const claims = claimsOf(pod);
      return claims.length === 0 ? undefined : claims;
    });
  },
  of(lister: Lister<Pod>, claim: string): readonly Pod[] {
    return lister.byIndex(name, claim);
  },
};
