import type { AdmissionPlugin } from "./admission.ts";

/** What keeps a storage object until nobody uses it; its controller takes it off again. */
const finalizers: { readonly [groupResource: string]: string | undefined } = {
  "/persistentvolumeclaims": "kubernetes.io/pvc-protection",
  "/persistentvolumes": "kubernetes.io/pv-protection",
  "storage.k8s.io/volumeattributesclasses": "kubernetes.io/vac-protection",
};

/** @upstream plugin/pkg/admission/storage/storageobjectinuseprotection */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  mutate({ operation, served, subresource, object }) {
    if (operation !== "CREATE" || subresource !== "" || object === undefined) return;
    const finalizer = finalizers[`${served.resource.group}/${served.resource.resource}`];
    if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer) === true) return;
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
  },
};
