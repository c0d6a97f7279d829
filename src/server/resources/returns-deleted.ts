import type { Resource } from "../../meta/resource.ts";

/** Kinds whose last state is the answer to their deletion; for others it is a Status. @upstream ReturnDeletedObject */
const kinds = new Set([
  "/persistentvolumeclaims",
  "/persistentvolumes",
  "/pods",
  "/podtemplates",
  "/resourcequotas",
  "/serviceaccounts",
  "/services",
  "resource.k8s.io/deviceclasses",
  "resource.k8s.io/resourceclaims",
  "resource.k8s.io/resourceclaimtemplates",
  "resource.k8s.io/resourceslices",
  "storage.k8s.io/csidrivers",
  "storage.k8s.io/csinodes",
  "storage.k8s.io/storageclasses",
  "storage.k8s.io/volumeattachments",
  "storage.k8s.io/volumeattributesclasses",
]);

export function returnsDeleted({ group, resource }: Resource<unknown>): boolean {
  return kinds.has(`${group}/${resource}`);
}
