import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/generated/types/core-v1.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment } from "../../api/generated/types/storage-v1.ts";
import type { Lister } from "../../client/informer.ts";
import type { Assumed } from "./assumed.ts";

/** What the volume plug-ins read. */
export interface VolumeReaders {
  readonly claims: Assumed<PersistentVolumeClaim>;
  readonly volumes: Assumed<PersistentVolume>;
  readonly classes: Lister<StorageClass>;
  readonly csiNodes: Lister<CSINode>;
  readonly csiDrivers: Lister<CSIDriver>;
  readonly capacities: Lister<CSIStorageCapacity>;
  /** With the index `node`. */
  readonly attachments: Lister<VolumeAttachment>;
  readonly pods: Lister<Pod>;
}
