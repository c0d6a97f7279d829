import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { persistentVolumeClaims } from "../generated/resources.ts";
import type { PersistentVolumeClaim } from "../generated/types/core-v1.ts";
import { kind } from "../kind.ts";
import { accessModesText } from "./access-modes.ts";
import { dropForeignDataSource, syncDataSources } from "./claim-data-source.ts";
import { validateClaimSpec, validateClaimStatus, validateClaimUpdate } from "./persistent-volume-claim-validation.ts";

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** @upstream pkg/registry/core/persistentvolumeclaim/strategy.go */
export const persistentVolumeClaimKind = kind<PersistentVolumeClaim>({
  resource: persistentVolumeClaims,
  shortNames: ["pvc"],
  generation: "none",
  allowUnconditionalUpdate: true,
  defaults(draft) {
    draft.spec ??= {};
    draft.spec.resources ??= {};
    draft.spec.volumeMode ??= "Filesystem";
    draft.status ??= {};
    draft.status.phase ??= "Pending";
  },
  prepareCreate(draft) {
    draft.status = { phase: "Pending" };
    dropForeignDataSource(draft.spec);
    syncDataSources(draft.spec);
  },
  prepareUpdate(draft) {
    syncDataSources(draft.spec);
  },
  validate: ({ spec }): Iterable<FieldError> => validateClaimSpec(new FieldPath("spec"), spec),
  validateUpdate: validateClaimUpdate,
  validateStatusUpdate: validateClaimStatus,
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating") },
    { name: "Volume", type: "string", value: ({ spec }) => spec.volumeName ?? "" },
    { name: "Capacity", type: "string", value: ({ spec, status }) => ((spec.volumeName ?? "") === "" ? "" : (status?.capacity?.["storage"] ?? "0")) },
    { name: "Access Modes", type: "string", value: ({ spec, status }) => ((spec.volumeName ?? "") === "" ? "" : accessModesText(status?.accessModes)) },
    { name: "StorageClass", type: "string", value: ({ metadata, spec }) => metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "" },
    { name: "VolumeAttributesClass", type: "string", value: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>" },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, value: ({ spec }) => spec.volumeMode ?? "<unset>" },
  ],
});
