import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";

/** Keys of the claims a pod uses, generic ephemeral ones among them. */
export function claimsOf(pod: Pod): readonly string[] {
  const keys: string[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${pod.metadata.name}-${name}`);
    if (claim !== undefined) keys.push(`${pod.metadata.namespace}/${claim}`);
  }
  return keys;
}

/** Whether a pod keeps its claims from being removed: it is on a node, and its containers may run there. @upstream pkg/controller/volume/pvcprotection */
export function holdsClaims(pod: Pod): boolean {
  const shutDown = pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0;
  return (pod.spec.nodeName ?? "") !== "" && !shutDown;
}

/** What to do with an object's protecting finalizer. */
export function finalizerChange(object: PersistentVolumeClaim | PersistentVolume, finalizer: string, inUse: boolean): "add" | "remove" | "none" {
  const has = object.metadata.finalizers?.includes(finalizer) === true;
  if (object.metadata.deletionTimestamp === undefined) return has ? "none" : "add";
  return has && !inUse ? "remove" : "none";
}
