import type { Draft } from "../../base/values.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { persistentVolumes } from "../generated/resources.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { volumeDefaults } from "../pod/volume-defaults.ts";
import { accessModesText } from "./access-modes.ts";
import { validatePersistentVolume, validatePersistentVolumeUpdate } from "./persistent-volume-validation.ts";

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** @upstream pkg/registry/core/persistentvolume/strategy.go */
export const persistentVolumeKind = kind<PersistentVolume>({
  resource: persistentVolumes,
  shortNames: ["pv"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.status ??= {};
    draft.status.phase ??= "Pending";
    defaultSpec(draft.spec);
  },
  prepareCreate(draft) {
    const { creationTimestamp } = draft.metadata;
    draft.status = { phase: "Pending", ...(creationTimestamp === undefined ? {} : { lastPhaseTransitionTime: creationTimestamp }) };
  },
  validate: validatePersistentVolume,
  validateUpdate: validatePersistentVolumeUpdate,
  columns: [
    nameColumn,
    { name: "Capacity", type: "string", value: ({ spec }) => spec.capacity?.["storage"] ?? "0" },
    { name: "Access Modes", type: "string", value: ({ spec }) => accessModesText(spec.accessModes) },
    { name: "Reclaim Policy", type: "string", value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? "" },
    { name: "Status", type: "string", value: ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating") },
    { name: "Claim", type: "string", value: ({ spec: { claimRef } }) => (claimRef === undefined ? "" : `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`) },
    { name: "StorageClass", type: "string", value: ({ metadata, spec }) => metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "" },
    { name: "VolumeAttributesClass", type: "string", value: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>" },
    { name: "Reason", type: "string", value: ({ status }) => status?.reason ?? "" },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, value: ({ spec }) => spec.volumeMode ?? "<unset>" },
  ],
});

/** @upstream pkg/apis/core/v1/defaults.go SetDefaults_PersistentVolume */
function defaultSpec(spec: Draft<PersistentVolumeSpec>): void {
  spec.persistentVolumeReclaimPolicy =
    spec.persistentVolumeReclaimPolicy === undefined || spec.persistentVolumeReclaimPolicy === "" ? "Retain" : spec.persistentVolumeReclaimPolicy;
  spec.volumeMode ??= "Filesystem";
  const { hostPath, iscsi, rbd, azureDisk, scaleIO } = spec;
  // The sources are changed in place; those that are absent must not become an emptyDir.
  volumeDefaults({ name: "", emptyDir: {}, hostPath, iscsi, rbd, azureDisk, scaleIO } as Parameters<typeof volumeDefaults>[0]);
}
