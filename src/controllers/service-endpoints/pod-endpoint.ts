import type { Pod, Service, ServicePort } from "../../api/generated/types/core-v1.ts";
import type { EndpointPort } from "../../api/generated/types/discovery-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { parseIp } from "../../meta/ip.ts";
import { podCondition } from "../pods/pod-state.ts";

export const headlessLabel = "service.kubernetes.io/headless";
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === "None";

/** Whether a pod may be an endpoint of its services at all. @upstream pkg/controller/util/endpoint ShouldPodBeInEndpoints */
export function belongsInEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  const phase = pod.status?.phase;
  if (phase === "Failed" || phase === "Succeeded") return false;
  if ((pod.status?.podIP ?? "") === "" && (pod.status?.podIPs ?? []).length === 0) return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

/** Whether news of a pod may change what its services publish of it. What cannot change in a pod's life is not compared. @upstream pkg/controller/util/endpoint podEndpointsChanged */
export function changesEndpoints(previous: Pod, pod: Pod): boolean {
  if (previous.metadata.labels !== pod.metadata.labels && !deepEqual(previous.metadata.labels, pod.metadata.labels)) return true;
  const belonged = belongsInEndpoints(previous, true);
  if (belonged !== belongsInEndpoints(pod, true)) return true;
  if (!belonged) return false;
  const [before, after] = [podCondition(previous, "Ready"), podCondition(pod, "Ready")];
  return (
    before?.status !== after?.status ||
    before?.lastTransitionTime !== after?.lastTransitionTime ||
    previous.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    previous.spec.nodeName !== pod.spec.nodeName ||
    previous.status?.podIP !== pod.status?.podIP ||
    !deepEqual(previous.status?.podIPs, pod.status?.podIPs)
  );
}

export type AddressFamily = "IPv4" | "IPv6";

export function familyOf(ip: string): AddressFamily | undefined {
  const address = parseIp(ip);
  return address === undefined ? undefined : address.family === 4 ? "IPv4" : "IPv6";
}

/** A pod's addresses of one family. */
export function podAddresses(pod: Pod, family: AddressFamily): readonly string[] {
  const listed = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const all = listed.length > 0 ? listed : [pod.status?.podIP ?? ""];
  return all.filter((ip) => familyOf(ip) === family);
}

/** The families a service has endpoints in; its pods' own when it names none. */
export function familiesOf(service: Service): readonly AddressFamily[] {
  const named = (service.spec?.ipFamilies ?? []).filter((family): family is AddressFamily => family === "IPv4" || family === "IPv6");
  if (named.length > 0) return named;
  const clusterIp = service.spec?.clusterIP ?? "";
  return [familyOf(clusterIp) ?? "IPv4"];
}

/** The name other pods of the service's domain may resolve; only when the pod asked for this very service. */
export function hostnameIn(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname !== undefined && hostname !== "" && subdomain === service.metadata.name && service.metadata.namespace === pod.metadata.namespace ? hostname : undefined;
}

/**
 * Where a service's ports lead on this pod; ports whose name no container has are left out. An unnamed port's name is
 * the empty text. @upstream endpointslice/utils.go getEndpointPorts
 */
export function portsOn(pod: Pod, service: Service): readonly EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const port = resolvePort(pod, servicePort);
    if (port === undefined) continue;
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

function resolvePort(pod: Pod, { port, targetPort, protocol = "TCP" }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === 0) return port;
  if (typeof targetPort === "number") return targetPort;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const found = container.ports?.find((each) => each.name === targetPort && (each.protocol ?? "TCP") === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}
