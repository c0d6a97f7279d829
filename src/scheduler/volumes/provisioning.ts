import type { Node, PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import type { CSIStorageCapacity, StorageClass } from "../../api/generated/types/storage-v1.ts";
import type { Labels } from "../../meta/label-selector.ts";
import { knownSelector } from "../cluster/known-selector.ts";
import { amount } from "../cluster/pod-requests.ts";
import { storageOf } from "./find-volume.ts";
import { classOf } from "./pod-claims.ts";
import type { VolumeReaders } from "./volume-readers.ts";

const NO_PROVISIONER = "kubernetes.io/no-provisioner";

/** Whether a volume for the claim could be made for the node. @upstream volumebinding/binder.go checkVolumeProvisions */
export function canProvision(claim: PersistentVolumeClaim, node: Node, readers: VolumeReaders): "yes" | "no" | "full" {
  const storageClass = readers.classes.get(classOf(claim));
  if (storageClass === undefined || storageClass.provisioner === "" || storageClass.provisioner === NO_PROVISIONER) return "no";
  if (!allows(storageClass, node.metadata.labels ?? {})) return "no";
  return hasRoom(claim, storageClass, node, readers) ? "yes" : "full";
}

function allows({ allowedTopologies = [] }: StorageClass, labels: Labels): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(({ key, values }) => {
        const value = labels[key];
        return value !== undefined && values.includes(value);
      }),
  );
}

/** Only drivers that tell how much room they have can be full. */
function hasRoom(claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, node: Node, { csiDrivers, capacities }: VolumeReaders): boolean {
  const size = storageOf(claim.spec.resources?.requests);
  if (size === 0 || csiDrivers.get(provisioner)?.spec.storageCapacity !== true) return true;
  return capacities
    .list()
    .some(
      (capacity) =>
        capacity.storageClassName === metadata.name &&
        (volumeLimit(capacity) ?? -1) >= size &&
        capacity.nodeTopology !== undefined &&
        knownSelector(capacity.nodeTopology).selector.matches(node.metadata.labels),
    );
}

/** The largest volume that can be made there, in bytes; undefined: none. */
export function volumeLimit({ capacity, maximumVolumeSize }: CSIStorageCapacity): number | undefined {
  const limit = maximumVolumeSize ?? capacity;
  return limit === undefined ? undefined : amount("storage", limit);
}
