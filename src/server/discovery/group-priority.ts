/** Where a group version stands among others: higher comes first. `version` ranks within the group. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** @upstream pkg/controlplane/apiserver/aggregator.go DefaultGenericAPIServicePriorities, cmd/kube-apiserver/app/aggregator.go */
const builtin: { readonly [group: string]: readonly [group: number, versions: { readonly [version: string]: number }] } = {
  "": [18_000, { v1: 1 }],
  apps: [17_800, { v1: 15 }],
  "events.k8s.io": [17_750, { v1: 15, v1beta1: 5 }],
  "authentication.k8s.io": [17_700, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  "authorization.k8s.io": [17_600, { v1: 15 }],
  autoscaling: [17_500, { v1: 15, v2: 30 }],
  batch: [17_400, { v1: 15 }],
  "certificates.k8s.io": [17_300, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  "networking.k8s.io": [17_200, { v1: 15, v1beta1: 9 }],
  policy: [17_100, { v1: 15 }],
  "rbac.authorization.k8s.io": [17_000, { v1: 15 }],
  "storage.k8s.io": [16_800, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  "admissionregistration.k8s.io": [16_700, { v1: 15, v1beta1: 12, v1alpha1: 9 }],
  "apiextensions.k8s.io": [16_700, { v1: 15 }],
  "scheduling.k8s.io": [16_600, { v1: 15 }],
  "coordination.k8s.io": [16_500, { v1: 15, v1beta1: 13, v1alpha2: 12 }],
  "node.k8s.io": [16_300, { v1: 15 }],
  "discovery.k8s.io": [16_200, { v1: 15 }],
  "resource.k8s.io": [16_200, { v1: 20, v1beta2: 15, v1beta1: 9, v1alpha3: 1 }],
  "flowcontrol.apiserver.k8s.io": [16_100, { v1: 21, v1beta3: 18 }],
  "internal.apiserver.k8s.io": [16_000, { v1alpha1: 9 }],
  "storagemigration.k8s.io": [15_800, { v1beta1: 9 }],
};

/** Upstream's aggregator serves this group itself, before all that it aggregates. */
export const AGGREGATOR = "apiregistration.k8s.io";
const aggregatorPriority: Priority = { group: 20_000, version: 15 };

/** What is made by a CustomResourceDefinition. @upstream pkg/controlplane/controller/crdregistration/crdregistration_controller.go */
export const customPriority: Priority = { group: 1000, version: 100 };

/** The rank of a group version of upstream; undefined for others. */
export function registeredPriority(group: string, version: string): Priority | undefined {
  const known = Object.hasOwn(builtin, group) ? builtin[group] : undefined;
  const ofVersion = known !== undefined && Object.hasOwn(known[1], version) ? known[1][version] : undefined;
  return known === undefined || ofVersion === undefined ? undefined : { group: known[0], version: ofVersion };
}

/** The rank of what is served here, when no APIService says otherwise. */
export function localPriority(group: string, version: string): Priority {
  return registeredPriority(group, version) ?? (group === AGGREGATOR ? aggregatorPriority : customPriority);
}
