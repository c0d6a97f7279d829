import type { PersistentVolumeClaim } from "../../api/generated/types/core-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { defaultClass } from "./default-class.ts";
import { isAbout } from "./new-pod.ts";

const CLASSES = "/registry/storageclasses/";

/** A claim that names no class gets the default one. @upstream plugin/pkg/admission/storage/storageclass/setdefault */
export function defaultStorageClass(cache: StateCache): AdmissionPlugin {
  const classes = cache.resource(CLASSES);
  return {
    name: "DefaultStorageClass",
    mutate(request) {
      if (request.operation !== "CREATE" || !isAbout(request, "", "persistentvolumeclaims") || request.object === undefined) return;
      const claim = request.object as Draft<KubeObject> as Draft<PersistentVolumeClaim>;
      // An empty name is a choice: no class.
      if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] !== undefined) return;
      const annotations = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
      const name = defaultClass(classes, annotations);
      if (name !== undefined) claim.spec.storageClassName = name;
    },
  };
}
