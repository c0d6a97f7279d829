import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { isPodReady } from "../pods/pod-state.ts";
import { belongsInEndpoints, familiesOf, headlessLabel, hostnameIn, isHeadless, podAddresses, portsOn, triggerTimeAnnotation } from "../service-endpoints/pod-endpoint.ts";
import { canonicalJson } from "../template-hash.ts";

export const managedByLabel = "endpoints.kubernetes.io/managed-by";
export const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
/** More addresses than this are cut off. */
export const maxAddresses = 1000;

/** The Endpoints object a service should have; undefined when the one there says the same. @upstream pkg/controller/endpoint/endpoints_controller.go syncService */
export function planEndpoints(state: {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly current: Endpoints | undefined;
  readonly triggerTime: string | undefined;
}): Endpoints | undefined {
  const { service, current, triggerTime } = state;
  const full = subsetsOf(service, state.pods);
  const { subsets, truncated } = truncate(full);
  const { [headlessLabel]: _, ...own } = service.metadata.labels ?? {};
  const labels = { ...own, [managedByLabel]: "endpoint-controller", ...(isHeadless(service) ? { [headlessLabel]: "" } : {}) };
  const wasTruncated = current?.metadata.annotations?.[overCapacityAnnotation] === "truncated";
  if (current !== undefined && deepEqual(current.subsets ?? [], subsets) && deepEqual(current.metadata.labels ?? {}, labels) && wasTruncated === truncated) return undefined;
  const { [triggerTimeAnnotation]: _time, [overCapacityAnnotation]: _capacity, ...kept } = current?.metadata.annotations ?? {};
  const annotations = {
    ...kept,
    ...(triggerTime === undefined ? {} : { [triggerTimeAnnotation]: triggerTime }),
    ...(truncated ? { [overCapacityAnnotation]: "truncated" } : {}),
  };
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: {
      ...(current?.metadata ?? { name: service.metadata.name, namespace: service.metadata.namespace }),
      labels,
      annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    },
    subsets: subsets.length === 0 ? undefined : subsets,
  };
}

/** Addresses grouped by the ports they share, in a fixed order. @upstream pkg/api/v1/endpoints/util.go RepackSubsets */
export function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const publish = service.spec?.publishNotReadyAddresses === true;
  const [family = "IPv4"] = familiesOf(service);
  const groups = new Map<string, { ports: readonly EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of pods) {
    const ip = podAddresses(pod, family)[0];
    if (ip === undefined || !belongsInEndpoints(pod, publish)) continue;
    const ports = corePorts(pod, service);
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (publish || isPodReady(pod) ? group.ready : group.notReady).push(addressOf(pod, service, ip));
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.sort(byAddress) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.sort(byAddress) }),
      ...(ports.length === 0 ? {} : { ports }),
    }));
}

/** As in slices, but an unnamed port has no name here. */
function corePorts(pod: Pod, service: Service): readonly EndpointPort[] {
  const ports = portsOn(pod, service).map(({ name, port = 0, protocol, appProtocol }) => ({
    ...(name === undefined || name === "" ? {} : { name }),
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
  return ports.sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
}

function addressOf(pod: Pod, service: Service, ip: string): EndpointAddress {
  const hostname = hostnameIn(pod, service);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

function byAddress(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1;
  return (a.targetRef?.uid ?? "") < (b.targetRef?.uid ?? "") ? -1 : 1;
}

/** Ready addresses are kept before those that are not. */
function truncate(subsets: readonly EndpointSubset[]): { readonly subsets: readonly EndpointSubset[]; readonly truncated: boolean } {
  const count = (field: "addresses" | "notReadyAddresses"): number => subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);
  const ready = count("addresses");
  if (ready + count("notReadyAddresses") <= maxAddresses) return { subsets, truncated: false };
  let readyLeft = Math.min(ready, maxAddresses);
  let restLeft = maxAddresses - readyLeft;
  const cut: EndpointSubset[] = [];
  for (const subset of subsets) {
    const addresses = (subset.addresses ?? []).slice(0, readyLeft);
    const notReadyAddresses = (subset.notReadyAddresses ?? []).slice(0, restLeft);
    readyLeft -= addresses.length;
    restLeft -= notReadyAddresses.length;
    if (addresses.length + notReadyAddresses.length === 0) continue;
    cut.push({
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(subset.ports === undefined ? {} : { ports: subset.ports }),
    });
  }
  return { subsets: cut, truncated: true };
}
