import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Draft } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { AdmissionRequest } from "./admission.ts";

/** The pod that a request makes; undefined for everything else. */
export function newPod({ operation, served, subresource, object }: AdmissionRequest): Draft<Pod> | undefined {
  if (operation !== "CREATE" || served.resource.resource !== "pods" || served.resource.group !== "" || subresource !== "") return undefined;
  return object as Draft<KubeObject> as Draft<Pod> | undefined;
}

/** Whether a request is about the objects of a resource themselves. */
export function isAbout({ served, subresource }: AdmissionRequest, group: string, resource: string): boolean {
  return subresource === "" && served.resource.resource === resource && served.resource.group === group;
}
