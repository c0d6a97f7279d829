import { pods, statefulSets } from "../../api/generated/resources.ts";
import type { StatefulSet } from "../../api/generated/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { OwnerReference } from "../../meta/generated/meta-v1.ts";
import { controllerReference } from "../../reconcile/owned.ts";

/**
 * The claim's owners as the retention policy wants them; undefined when they are. A claim that should go with the set
 * is owned by it, one that should go when its pod is scaled away by that pod. @upstream pkg/controller/statefulset/stateful_set_utils.go updateClaimOwnerRefForSetAndPod
 */
export function retainedOwners(set: StatefulSet, claim: PersistentVolumeClaim, pod: Pod | undefined, condemned: boolean): readonly OwnerReference[] | undefined {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const before = claim.metadata.ownerReferences ?? [];
  const podOwned = whenScaled === "Delete" && condemned && pod !== undefined;
  const setOwned = whenDeleted === "Delete" && !podOwned;
  const strangers = before.filter(({ kind, apiVersion, uid }) => uid !== set.metadata.uid && uid !== pod?.metadata.uid && !(kind === "Pod" && apiVersion === "v1"));
  // Claims that somebody else manages are left alone.
  if (strangers.some(({ controller }) => controller === true)) return undefined;
  const next = [...strangers, ...(setOwned ? [controllerReference(set, statefulSets)] : []), ...(podOwned ? [controllerReference(pod, pods)] : [])];
  return deepEqual(next, before) ? undefined : next;
}
