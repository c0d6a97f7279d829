import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";

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
