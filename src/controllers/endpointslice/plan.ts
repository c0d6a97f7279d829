import type { Node, Pod, Service } from "../../api/generated/types/core-v1.ts";
import type { Endpoint, EndpointHints, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { services } from "../../api/generated/resources.ts";
import { controllerReference } from "../../reconcile/owned.ts";
import { isPodReady } from "../pods/pod-state.ts";
import { type AddressFamily, belongsInEndpoints, familiesOf, headlessLabel, hostnameIn, isHeadless, podAddresses, portsOn } from "../service-endpoints/pod-endpoint.ts";
import { type EndpointGroup, planSlices, type SlicePlan } from "../service-endpoints/slice-plan.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const managedBy = "endpointslice-controller.k8s.io";
const zoneLabel = "topology.kubernetes.io/zone";

export interface SliceRequest {
  readonly service: Service;
  /** What the service's selector finds. */
  readonly pods: readonly Pod[];
  readonly node: (name: string) => Node | undefined;
  /** The slices this controller made for the service. */
  readonly slices: readonly EndpointSlice[];
  readonly triggerTime: string | undefined;
  readonly maxPerSlice: number;
}

export interface ServiceSlicePlan extends SlicePlan {
  /** Some pods stand on nodes that are not known (yet); look again. */
  readonly incomplete: boolean;
}

/** The slices of one service. @upstream endpointslice/reconciler.go Reconcile */
export function planServiceSlices(request: SliceRequest): ServiceSlicePlan {
  const { service, slices } = request;
  const families = familiesOf(service);
  const create: SlicePlan["create"][number][] = [];
  const update: EndpointSlice[] = [];
  const remove = slices.filter((slice) => !families.some((family) => family === slice.addressType));
  let incomplete = false;
  for (const family of families) {
    const desired = desiredGroups(request, family);
    incomplete ||= desired.incomplete;
    const plan = planSlices({
      addressType: family,
      existing: slices.filter((slice) => slice.addressType === family),
      desired: desired.groups,
      maxPerSlice: request.maxPerSlice,
      namespace: service.metadata.namespace ?? "",
      generateName: `${service.metadata.name ?? ""}-`,
      owner: controllerReference(service, services),
      labels: sliceLabels(service),
      triggerTime: request.triggerTime,
      placeholder: true,
    });
    create.push(...plan.create);
    update.push(...plan.update);
    remove.push(...plan.remove);
  }
  return { create, update, remove, incomplete };
}

/** The service's own labels and those that lead from a slice to it. */
export function sliceLabels(service: Service): { readonly [key: string]: string } {
  const { [headlessLabel]: _, ...own } = service.metadata.labels ?? {};
  return { ...own, [serviceNameLabel]: service.metadata.name ?? "", [managedByLabel]: managedBy, ...(isHeadless(service) ? { [headlessLabel]: "" } : {}) };
}

function desiredGroups(request: SliceRequest, family: AddressFamily): { readonly groups: readonly EndpointGroup[]; readonly incomplete: boolean } {
  const { service } = request;
  const groups: EndpointGroup[] = [];
  let incomplete = false;
  for (const pod of request.pods) {
    if (!belongsInEndpoints(pod, true)) continue;
    const ports = portsOn(pod, service);
    const addresses = podAddresses(pod, family);
    if (addresses.length === 0) continue;
    const nodeName = pod.spec.nodeName ?? "";
    const node = nodeName === "" ? undefined : request.node(nodeName);
    if (nodeName !== "" && node === undefined && service.spec?.publishNotReadyAddresses !== true) {
      incomplete = true;
      continue;
    }
    groups.push({ ports, endpoints: [endpointOf(pod, service, node, addresses)] });
  }
  return { groups, incomplete };
}

function endpointOf(pod: Pod, service: Service, node: Node | undefined, addresses: readonly string[]): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.[zoneLabel];
  const hostname = hostnameIn(pod, service);
  const hints = hintsFor(service, { ready, zone, nodeName: pod.spec.nodeName });
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(pod.spec.nodeName === undefined || pod.spec.nodeName === "" ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone === undefined || zone === "" ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  };
}

/** trafficDistribution: keep traffic in the zone, or on the node. @upstream endpointslice/trafficdist/trafficdist.go */
function hintsFor(service: Service, endpoint: { readonly ready: boolean; readonly zone: string | undefined; readonly nodeName: string | undefined }): EndpointHints | undefined {
  const distribution = service.spec?.trafficDistribution;
  const { ready, zone, nodeName } = endpoint;
  if (!ready || zone === undefined || zone === "") {
    return ready && distribution === "PreferSameNode" && nodeName !== undefined ? { forNodes: [{ name: nodeName }] } : undefined;
  }
  if (distribution === "PreferClose" || distribution === "PreferSameZone") return { forZones: [{ name: zone }] };
  if (distribution === "PreferSameNode" && nodeName !== undefined) return { forZones: [{ name: zone }], forNodes: [{ name: nodeName }] };
  return undefined;
}
