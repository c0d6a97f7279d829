import type { LoadBalancerIngress, Node, Service } from "../../api/generated/types/core-v1.ts";
import { keyOf } from "../../meta/object.ts";
import { familiesOf, familyOf } from "../service-endpoints/pod-endpoint.ts";
import { type AddressPool, canonicalIp } from "./address-pool.ts";

export const cleanupFinalizer = "service.kubernetes.io/load-balancer-cleanup";
const excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

/** Why a service gets no address; the text goes into an event. */
export class NoAddress extends Error {
  override readonly name = "NoAddress";
}

/** Whether this load balancer is the one to serve it: without a class, or with ours. */
export function isOurs(service: Service, loadBalancerClass: string | undefined): boolean {
  const named = service.spec?.loadBalancerClass;
  return service.spec?.type === "LoadBalancer" && (named === undefined || named === loadBalancerClass);
}

/** One address of the pool for each of the service's families; what it has it keeps. Throws NoAddress. */
export function fromPool(service: Service, pool: AddressPool, takenByOthers: ReadonlySet<string>): readonly LoadBalancerIngress[] {
  const asked = service.spec?.loadBalancerIP ?? "";
  const held = (service.status?.loadBalancer?.ingress ?? []).map(({ ip = "" }) => canonicalIp(ip));
  const given: string[] = [];
  for (const family of familiesOf(service)) {
    const number = family === "IPv4" ? 4 : 6;
    if (asked !== "" && familyOf(asked) === family) {
      const ip = canonicalIp(asked);
      if (!pool.contains(ip)) throw new NoAddress(`the requested address ${asked} is not in the pool`);
      if (takenByOthers.has(ip)) throw new NoAddress(`the requested address ${asked} is taken by another service`);
      given.push(ip);
      continue;
    }
    if (!pool.has(number)) continue;
    const kept = held.find((ip) => familyOf(ip) === family && pool.contains(ip) && !takenByOthers.has(ip));
    const ip = kept ?? pool.firstFree(number, takenByOthers);
    if (ip !== undefined) given.push(ip);
  }
  if (given.length === 0) throw new NoAddress("the pool has no free address of the service's family");
  return given.map(asIngress);
}

/** The addresses of the nodes that carry its traffic; two services cannot share a port there. Throws NoAddress. */
export function fromNodes(service: Service, nodes: readonly Node[], others: readonly Service[], endpointNodes: ReadonlySet<string>): readonly LoadBalancerIngress[] {
  const rival = others.find((other) => comesBefore(other, service) && sharesPort(other, service));
  if (rival !== undefined) throw new NoAddress(`a port is taken by service ${keyOf(rival)}`);
  const local = service.spec?.externalTrafficPolicy === "Local";
  const carrying = nodes.filter((node) => isEligible(node) && (!local || endpointNodes.has(node.metadata.name ?? "")));
  const families: readonly string[] = familiesOf(service);
  const ips = carrying.flatMap((node) => nodeAddresses(node)).filter((ip) => families.includes(familyOf(ip) ?? ""));
  if (ips.length === 0) throw new NoAddress(local ? "no ready node has an endpoint of the service" : "no node is ready");
  return [...new Set(ips)].sort().map(asIngress);
}

function asIngress(ip: string): LoadBalancerIngress {
  return { ip, ipMode: "VIP" };
}

/** The older one wins; the name decides between those of one second. */
function comesBefore(a: Service, b: Service): boolean {
  const order = (service: Service): string => `${service.metadata.creationTimestamp ?? ""} ${keyOf(service)}`;
  return order(a) < order(b);
}

function sharesPort(a: Service, b: Service): boolean {
  const ports = new Set((a.spec?.ports ?? []).map(({ port, protocol = "TCP" }) => `${port}/${protocol}`));
  return (b.spec?.ports ?? []).some(({ port, protocol = "TCP" }) => ports.has(`${port}/${protocol}`));
}

function isEligible(node: Node): boolean {
  const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  return ready && node.metadata.deletionTimestamp === undefined && node.metadata.labels?.[excludeLabel] === undefined;
}

/** External addresses if it has any, else internal ones. */
function nodeAddresses(node: Node): readonly string[] {
  const of = (wanted: string): readonly string[] => (node.status?.addresses ?? []).filter(({ type }) => type === wanted).map(({ address }) => address);
  const external = of("ExternalIP");
  return external.length > 0 ? external : of("InternalIP");
}
