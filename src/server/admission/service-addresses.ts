import type { IPAddress } from "../../api/generated/types/networking-v1.ts";
import type { Service, ServicePort } from "../../api/generated/types/core-v1.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { Draft } from "../../base/values.ts";
import { type Cidr, cidrContains, formatCidr, formatIp, networkOf, parseIp } from "../../meta/ip.ts";
import { type FieldError, internalError, invalid } from "../../meta/status-error.ts";
import { encodeForStore } from "../cache/cache-entry.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const ADDRESSES = "/registry/ipaddresses/";
const SERVICES = "/registry/services/specs/";
const PORTS = "/registry/ranges/servicenodeports/";

export interface ServiceAddressOptions {
  readonly serviceCidr: Cidr;
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export interface ServiceAddressDeps {
  readonly cache: StateCache;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Gives services their cluster IPs and node ports. An address is claimed by an IPAddress object that is written in the
 * same commit as the service, a port by a key of its own: two servers on one store cannot give the same away twice.
 * @upstream pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/ipallocator
 */
export function serviceAddresses(options: ServiceAddressOptions, deps: ServiceAddressDeps): AdmissionPlugin {
  const addresses = deps.cache.resource(ADDRESSES);
  const ports = deps.cache.resource(PORTS);
  deps.cache.resource(SERVICES);
  const heldIps = new Set<string>();
  const heldPorts = new Set<number>();
  const holds = new Map<AdmissionRequest, { readonly ips: string[]; readonly ports: number[] }>();

  const isTakenIp = (ip: string): boolean => heldIps.has(ip) || addresses.get(ADDRESSES + ip) !== undefined;
  const isTakenPort = (port: number): boolean => heldPorts.has(port) || ports.get(PORTS + String(port)) !== undefined;

  const holdsOf = (request: AdmissionRequest): { readonly ips: string[]; readonly ports: number[] } => {
    const known = holds.get(request) ?? { ips: [], ports: [] };
    holds.set(request, known);
    return known;
  };
  const claimIp = (request: AdmissionRequest, ip: string): void => {
    heldIps.add(ip);
    holdsOf(request).ips.push(ip);
    const object = ipAddressOf(ip, request, deps);
    request.alsoCommit.push({ type: "put", key: ADDRESSES + ip, value: encodeForStore(object), if: "absent" });
  };
  const claimPort = (request: AdmissionRequest, port: number): void => {
    heldPorts.add(port);
    holdsOf(request).ports.push(port);
    const owner = { apiVersion: "v1", kind: "RangeAllocation", metadata: { name: String(port) }, range: String(port), data: "" };
    request.alsoCommit.push({ type: "put", key: PORTS + String(port), value: encodeForStore(owner), if: "absent" });
  };

  const allocateIps = (request: AdmissionRequest, service: Draft<Service>, previous: Service | undefined): FieldError[] => {
    const wantsIp = service.spec.type !== "ExternalName" && service.spec.clusterIP !== "None";
    const held = previous?.spec.clusterIP;
    if (!wantsIp) return [];
    if (service.spec.clusterIP !== undefined && service.spec.clusterIP !== "") {
      if (service.spec.clusterIP === held) return [];
      const problem = claimWanted(request, service.spec.clusterIP);
      return problem === undefined ? [] : [{ type: "FieldValueInvalid", field: "spec.clusterIPs", value: [service.spec.clusterIP], detail: problem }];
    }
    const ip = freeIp(options.serviceCidr, deps.random, isTakenIp);
    if (ip === undefined) throw internalError(new Error("failed to allocate a serviceIP: range is full"));
    claimIp(request, ip);
    service.spec.clusterIP = ip;
    service.spec.clusterIPs = [ip];
    return [];
  };

  const claimWanted = (request: AdmissionRequest, ip: string): string | undefined => {
    const parsed = parseIp(ip);
    if (parsed === undefined) return undefined;
    if (!cidrContains(options.serviceCidr, parsed))
      return `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${formatCidr(options.serviceCidr)}`;
    if (isTakenIp(ip)) return `failed to allocate IP ${ip}: provided IP is already allocated`;
    claimIp(request, ip);
    return undefined;
  };

  const allocatePorts = (request: AdmissionRequest, service: Draft<Service>, previous: Service | undefined): FieldError[] => {
    const held = new Set(nodePortsOf(previous));
    const errors: FieldError[] = [];
    const wants = needsNodePorts(service);
    // One number may serve TCP and UDP of one service.
    const mine = new Map<number, Set<string>>();
    for (const [index, port] of (service.spec.ports ?? []).entries()) {
      const asked = port.nodePort ?? 0;
      if (asked === 0) continue;
      const protocols = mine.get(asked);
      if (protocols !== undefined || held.has(asked)) {
        mine.set(asked, (protocols ?? new Set()).add(port.protocol ?? "TCP"));
        continue;
      }
      const { first, last } = options.nodePorts;
      const field = `spec.ports[${index}].nodePort`;
      if (asked < first || asked > last)
        errors.push({ type: "FieldValueInvalid", field, value: asked, detail: `provided port is not in the valid range. The range of valid ports is ${first}-${last}` });
      else if (isTakenPort(asked)) errors.push({ type: "FieldValueInvalid", field, value: asked, detail: "provided port is already allocated" });
      else {
        claimPort(request, asked);
        mine.set(asked, new Set([port.protocol ?? "TCP"]));
      }
    }
    if (errors.length > 0 || !wants) return errors;
    for (const port of service.spec.ports ?? []) {
      if ((port.nodePort ?? 0) !== 0) continue;
      const shared = [...mine].find(
        ([number, protocols]) => !protocols.has(port.protocol ?? "TCP") && service.spec.ports?.some((other) => other.nodePort === number && other.port === port.port),
      );
      const number = shared?.[0] ?? freePort(options.nodePorts, deps.random, isTakenPort);
      if (number === undefined) throw internalError(new Error("failed to allocate a nodePort: range is full"));
      if (shared === undefined) claimPort(request, number);
      mine.set(number, (mine.get(number) ?? new Set()).add(port.protocol ?? "TCP"));
      port.nodePort = number;
    }
    return allocateHealthPort(request, service, previous);
  };

  const allocateHealthPort = (request: AdmissionRequest, service: Draft<Service>, previous: Service | undefined): FieldError[] => {
    const needs = service.spec.type === "LoadBalancer" && service.spec.externalTrafficPolicy === "Local";
    if (!needs) {
      delete service.spec.healthCheckNodePort;
      return [];
    }
    const asked = service.spec.healthCheckNodePort ?? 0;
    if (asked !== 0 && asked === previous?.spec.healthCheckNodePort) return [];
    if (asked !== 0 && isTakenPort(asked)) return [{ type: "FieldValueInvalid", field: "spec.healthCheckNodePort", value: asked, detail: "provided port is already allocated" }];
    const number = asked !== 0 ? asked : freePort(options.nodePorts, deps.random, isTakenPort);
    if (number === undefined) throw internalError(new Error("failed to allocate a HealthCheck NodePort: range is full"));
    claimPort(request, number);
    service.spec.healthCheckNodePort = number;
    return [];
  };

  /** What the service no longer uses goes back in the same commit. */
  const releaseUnused = (request: AdmissionRequest, service: Service | undefined, previous: Service): void => {
    const keptIps = new Set(service?.spec.clusterIPs ?? []);
    for (const ip of previous.spec.clusterIPs ?? []) if (!keptIps.has(ip) && ip !== "None" && ip !== "") request.alsoCommit.push({ type: "delete", key: ADDRESSES + ip });
    const keptPorts = new Set(nodePortsOf(service));
    for (const port of new Set(nodePortsOf(previous))) if (!keptPorts.has(port)) request.alsoCommit.push({ type: "delete", key: PORTS + String(port) });
  };

  return {
    name: "ServiceAddresses",
    mutate(request) {
      if (!isService(request) || request.object === undefined || request.operation !== "UPDATE") return;
      keepAllocated(request.object as Draft<Service>, request.previous as Service);
    },
    validate(request) {
      const previous = request.previous as Service | undefined;
      if (!isService(request)) {
        // Its last finalizer may be taken off through the status as well.
        if (isServicePart(request) && previous !== undefined && isGoing(request.object)) releaseUnused(request, undefined, previous);
        return;
      }
      if (request.operation === "DELETE") {
        const waits = (previous?.metadata.finalizers ?? []).length > 0;
        if (previous !== undefined && !waits) releaseUnused(request, undefined, previous);
        return;
      }
      if (request.object === undefined) return;
      const service = request.object as Draft<Service>;
      const errors = [...allocateIps(request, service, previous), ...allocatePorts(request, service, previous)];
      if (errors.length > 0) throw invalid({ group: "", kind: "Service", name: request.name }, errors);
      if (previous !== undefined) releaseUnused(request, isGoing(service) ? undefined : service, previous);
    },
    release(request) {
      const held = holds.get(request);
      if (held === undefined) return;
      holds.delete(request);
      for (const ip of held.ips) heldIps.delete(ip);
      for (const port of held.ports) heldPorts.delete(port);
    },
  };
}

function isService(request: AdmissionRequest): boolean {
  return isServicePart(request) && request.subresource === "";
}

function isServicePart({ served }: AdmissionRequest): boolean {
  return served.resource.group === "" && served.resource.resource === "services";
}

/** Waits for deletion, and nothing holds it any more. */
function isGoing(object: AdmissionRequest["object"]): boolean {
  return object?.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
}

function needsNodePorts({ spec }: Draft<Service>): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

function nodePortsOf(service: Service | undefined): number[] {
  if (service === undefined) return [];
  const ports = (service.spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0);
  return [...ports, service.spec.healthCheckNodePort ?? 0].filter((port) => port !== 0);
}

/** An updater that leaves an allocated value out keeps it. @upstream patchAllocatedValues */
function keepAllocated(service: Draft<Service>, previous: Service): void {
  const { spec } = service;
  const usesIp = (type: string | undefined): boolean => type !== "ExternalName";
  if (usesIp(spec.type) && usesIp(previous.spec.type) && (spec.clusterIP ?? "") === "" && previous.spec.clusterIP !== undefined) {
    spec.clusterIP = previous.spec.clusterIP;
    spec.clusterIPs = [...(previous.spec.clusterIPs ?? [])];
  }
  if (!needsNodePorts(service)) return;
  const id = ({ protocol = "TCP", port }: Pick<ServicePort, "protocol" | "port">): string => `${protocol} ${port}`;
  const known = new Map((previous.spec.ports ?? []).map((port) => [id(port), port.nodePort ?? 0]));
  const asked = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0));
  for (const port of spec.ports ?? []) {
    const old = known.get(id(port)) ?? 0;
    if ((port.nodePort ?? 0) === 0 && old !== 0 && !asked.has(old)) port.nodePort = old;
  }
}

function ipAddressOf(ip: string, { namespace, name, object }: AdmissionRequest, { clock, random }: ServiceAddressDeps): IPAddress {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: {
      name: ip,
      uid: uuid(random),
      creationTimestamp: rfc3339(clock.now()),
      generation: 1,
      labels: { "ipaddress.kubernetes.io/ip-family": ip.includes(":") ? "IPv6" : "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" },
    },
    spec: { parentRef: { group: "", resource: "services", namespace, name: object?.metadata.name ?? name } },
  };
}

const TRIES = 64;

/** A free address: drawn from the upper part of the range first, which leaves the lower one to those who choose. @upstream KEP-3070 */
function freeIp(cidr: Cidr, random: Random, isTaken: (ip: string) => boolean): string | undefined {
  const base = networkOf(cidr);
  const bits = base.bytes.length * 8 - cidr.prefixLength;
  const size = 2 ** Math.min(bits, 20);
  const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256);
  const at = (offset: number): string => formatIp({ family: base.family, bytes: plus(base.bytes, offset) });
  const lowest = 1;
  const highest = size - 2;
  const start = highest - reserved > lowest ? reserved : lowest;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const ip = at(start + Math.floor(random.next() * (highest - start + 1)));
    if (!isTaken(ip)) return ip;
  }
  for (const [from, to] of [
    [start, highest],
    [lowest, start - 1],
  ] as const) {
    for (let offset = from; offset <= to; offset += 1) if (!isTaken(at(offset))) return at(offset);
  }
  return undefined;
}

function plus(bytes: readonly number[], offset: number): number[] {
  const sum = [...bytes];
  let carry = offset;
  for (let index = sum.length - 1; index >= 0 && carry > 0; index -= 1) {
    carry += sum[index] ?? 0;
    sum[index] = carry & 0xff;
    carry = Math.floor(carry / 256);
  }
  return sum;
}

function freePort({ first, last }: ServiceAddressOptions["nodePorts"], random: Random, isTaken: (port: number) => boolean): number | undefined {
  const size = last - first + 1;
  // The first ports are for those who choose. @upstream KEP-3668
  const reserved = Math.min(Math.max(16, Math.floor(size / 32)), 128);
  const start = size > reserved * 2 ? first + reserved : first;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = start + Math.floor(random.next() * (last - start + 1));
    if (!isTaken(port)) return port;
  }
  for (let port = first; port <= last; port += 1) if (!isTaken(port)) return port;
  return undefined;
}
