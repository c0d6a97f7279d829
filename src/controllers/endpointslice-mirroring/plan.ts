import { endpoints as endpointsResource } from "../../api/generated/resources.ts";
import type { EndpointAddress, Endpoints, Service } from "../../api/generated/types/core-v1.ts";
import type { Endpoint, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { managedByLabel, serviceNameLabel } from "../endpointslice/plan.ts";
import { type AddressFamily, familyOf, triggerTimeAnnotation } from "../service-endpoints/pod-endpoint.ts";
import { type EndpointGroup, planSlices, type SlicePlan } from "../service-endpoints/slice-plan.ts";

export const managedBy = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** Per subset; what is beyond is not mirrored. */
const maxPerSubset = 1000;

/** Whether somebody wrote these Endpoints by hand for a service without a selector. */
export function shouldMirror(endpoints: Endpoints | undefined, service: Service | undefined): endpoints is Endpoints {
  if (endpoints === undefined || service === undefined || service.spec?.selector !== undefined || service.spec?.type === "ExternalName") return false;
  return endpoints.metadata.labels?.[skipLabel] !== "true" && endpoints.metadata.annotations?.[leaderAnnotation] === undefined;
}

/** The slices that say what the Endpoints say. @upstream pkg/controller/endpointslicemirroring/reconciler.go */
export function planMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): SlicePlan {
  const create: SlicePlan["create"][number][] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const { "kubectl.kubernetes.io/last-applied-configuration": _applied, [triggerTimeAnnotation]: triggerTime, ...annotations } = endpoints.metadata.annotations ?? {};
  for (const family of ["IPv4", "IPv6"] as const) {
    const plan = planSlices({
      addressType: family,
      existing: slices.filter((slice) => slice.addressType === family),
      desired: groupsOf(endpoints, family),
      maxPerSlice: maxPerSubset,
      namespace: endpoints.metadata.namespace ?? "",
      generateName: `${endpoints.metadata.name ?? ""}-`,
      owner: controllerReference(endpoints, endpointsResource),
      labels: { ...endpoints.metadata.labels, [serviceNameLabel]: endpoints.metadata.name ?? "", [managedByLabel]: managedBy },
      annotations,
      triggerTime,
      placeholder: false,
    });
    create.push(...plan.create);
    update.push(...plan.update);
    remove.push(...plan.remove);
  }
  return { create, update, remove };
}

function groupsOf(endpoints: Endpoints, family: AddressFamily): readonly EndpointGroup[] {
  const groups: EndpointGroup[] = [];
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const all = [...addresses.map((address) => mirrored(address, true)), ...notReadyAddresses.map((address) => mirrored(address, false))];
    const own = all.slice(0, maxPerSubset).filter((endpoint) => familyOf(endpoint.addresses[0] ?? "") === family);
    if (own.length > 0) groups.push({ ports: ports.map((port) => ({ name: "", protocol: "TCP", ...port })), endpoints: own });
  }
  return groups;
}

function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === "" ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
