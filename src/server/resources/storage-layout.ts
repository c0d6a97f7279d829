import { apiVersionOf, type Resource } from "../../meta/resource.ts";

/** Resources whose keys do not follow the rule. @upstream pkg/registry/core/rest/storage_core.go */
const coreNames: { readonly [resource: string]: string } = {
  services: "services/specs",
  endpoints: "services/endpoints",
  nodes: "minions",
  replicationcontrollers: "controllers",
};
const groupNames: { readonly [groupResource: string]: string } = {
  "networking.k8s.io/ingresses": "ingress",
  "events.k8s.io/events": "events",
};
/** Groups of which the key has the name, because they are served by a server of their own upstream. */
const qualified = new Set(["apiextensions.k8s.io", "apiregistration.k8s.io"]);

/** The version that objects are stored in where a group serves several. */
const storageVersions: { readonly [groupResource: string]: string } = {
  "autoscaling/horizontalpodautoscalers": "autoscaling/v2",
  "events.k8s.io/events": "v1",
  "admissionregistration.k8s.io/mutatingadmissionpolicies": "admissionregistration.k8s.io/v1",
  "admissionregistration.k8s.io/mutatingadmissionpolicybindings": "admissionregistration.k8s.io/v1",
  "certificates.k8s.io/clustertrustbundles": "certificates.k8s.io/v1beta1",
  "networking.k8s.io/ipaddresses": "networking.k8s.io/v1",
  "networking.k8s.io/servicecidrs": "networking.k8s.io/v1",
  "resource.k8s.io/deviceclasses": "resource.k8s.io/v1",
  "resource.k8s.io/resourceclaims": "resource.k8s.io/v1",
  "resource.k8s.io/resourceclaimtemplates": "resource.k8s.io/v1",
  "resource.k8s.io/resourceslices": "resource.k8s.io/v1",
  "storage.k8s.io/volumeattributesclasses": "storage.k8s.io/v1",
};

/** Where a built-in resource's objects stand under /registry/, and in which version. */
export function storageOf(resource: Resource<unknown>): { readonly prefix: string; readonly apiVersion: string } {
  const name = `${resource.group}/${resource.resource}`;
  const own = apiVersionOf(resource);
  if (resource.group === "") return { prefix: `/registry/${coreNames[resource.resource] ?? resource.resource}/`, apiVersion: own };
  const folder = groupNames[name] ?? (qualified.has(resource.group) ? name : resource.resource);
  return { prefix: `/registry/${folder}/`, apiVersion: storageVersions[name] ?? own };
}
