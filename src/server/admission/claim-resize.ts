import type { PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import type { StorageClass } from "../../api/generated/types/storage-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { KubeObject } from "../../meta/object.ts";
import { forbidden } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { isAbout } from "./new-pod.ts";

const CLASSES = "/registry/storageclasses/";

/** A claim grows only when it is bound and its class lets volumes grow. @upstream plugin/pkg/admission/storage/persistentvolume/resize */
export function persistentVolumeClaimResize(cache: StateCache): AdmissionPlugin {
  const classes = cache.resource(CLASSES);
  const mayGrow = ({ spec, metadata }: PersistentVolumeClaim): boolean => {
    const name = metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
    return name !== "" && (classes.get(CLASSES + name)?.object as StorageClass | undefined)?.allowVolumeExpansion === true;
  };
  return {
    name: "PersistentVolumeClaimResize",
    validate(request) {
      if (request.operation !== "UPDATE" || !isAbout(request, "", "persistentvolumeclaims")) return;
      const next = request.object as KubeObject as PersistentVolumeClaim;
      const old = request.previous as PersistentVolumeClaim;
      const size = ({ spec }: PersistentVolumeClaim): Quantity => Quantity.parse(spec.resources?.requests?.["storage"] ?? "0");
      if (size(next).compare(size(old)) <= 0) return;
      const refuse = (why: string): Error => forbidden({ ...request.served.resource, name: request.name }, why);
      if (old.status?.phase !== "Bound") throw refuse("Only bound persistent volume claims can be expanded");
      if (!mayGrow(next)) throw refuse("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    },
  };
}
