import { type IPFamily, familyOf } from "../../api/core/service-families.ts";
import type { Service, ServicePort } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { deepEqual, type Draft } from "../../base/values.ts";
import { FieldPath } from "../../meta/field-path.ts";
import { type Cidr, parseIp } from "../../meta/ip.ts";
import { type FieldError, internalError, invalid } from "../../meta/status-error.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { freeIp, freePort } from "./free-address.ts";
import { addressClaims, addressesOf, claimAddress, claimPort, nodePortsOf, portClaims } from "./service-claims.ts";
import { serviceRanges } from "./service-ranges.ts";

const SERVICES = "/registry/services/specs/";

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
  const addresses = deps.cache.resource(addressClaims);
  const ports = deps.cache.resource(portClaims);
  deps.cache.resource(SERVICES);
  const ranges = serviceRanges(options.serviceCidr, deps.cache);
  const families: readonly IPFamily[] = [options.serviceCidr.address.family === 4 ? "IPv4" : "IPv6"];
  const heldIps = new Set<string>();
  const heldPorts = new Set<number>();
  const holds = new Map<AdmissionRequest, { readonly ips: string[]; readonly ports: number[] }>();

  const isTakenIp = (ip: string): boolean => heldIps.has(ip) || addresses.get(addressClaims + ip) !== undefined;
  const isTakenPort = (port: number): boolean => heldPorts.has(port) || ports.get(portClaims + String(port)) !== undefined;

  const holdsOf = (request: AdmissionRequest): { readonly ips: string[]; readonly ports: number[] } => {
    const known = holds.get(request) ?? { ips: [], ports: [] };
    holds.set(request, known);
    return known;
  };
  const claimIp = (request: AdmissionRequest, ip: string): void => {
    heldIps.add(ip);
    holdsOf(request).ips.push(ip);
    request.alsoCommit.push(claimAddress(ip, { namespace: request.namespace, name: request.object?.metadata.name ?? request.name }, deps));
  };
  const takePort = (request: AdmissionRequest, port: number): void => {
    heldPorts.add(port);
    holdsOf(request).ports.push(port);
    request.alsoCommit.push(claimPort(port));
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
    let ip: string | undefined;
    for (const range of ranges.all()) ip ??= freeIp(range, deps.random, isTakenIp);
    if (ip === undefined) throw internalError(new Error("failed to allocate a serviceIP: range is full"));
    claimIp(request, ip);
    service.spec.clusterIP = ip;
    service.spec.clusterIPs = [ip];
    return [];
  };

  const claimWanted = (request: AdmissionRequest, ip: string): string | undefined => {
    const parsed = parseIp(ip);
    if (parsed === undefined) return undefined;
    if (!ranges.contains(parsed)) return `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${ranges.text()}`;
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
        takePort(request, asked);
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
      if (shared === undefined) takePort(request, number);
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
    takePort(request, number);
    service.spec.healthCheckNodePort = number;
    return [];
  };

  /** What the service no longer uses goes back in the same commit. */
  const releaseUnused = (request: AdmissionRequest, service: Service | undefined, previous: Service): void => {
    const keptIps = new Set(addressesOf(service));
    for (const ip of addressesOf(previous)) if (!keptIps.has(ip)) request.alsoCommit.push({ type: "delete", key: addressClaims + ip });
    const keptPorts = new Set(nodePortsOf(service));
    for (const port of new Set(nodePortsOf(previous))) if (!keptPorts.has(port)) request.alsoCommit.push({ type: "delete", key: portClaims + String(port) });
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
      const unserved = familyErrors(service, previous, families);
      if (unserved.length > 0) throw invalid({ group: "", kind: "Service", name: request.name }, unserved);
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

const specPath = new FieldPath("spec");

/** What asks for a family that the cluster has not. What stood before may stand. @upstream pkg/registry/core/service/storage/alloc.go initIPFamilyFields */
function familyErrors(service: Draft<Service>, previous: Service | undefined, clusterFamilies: readonly IPFamily[]): FieldError[] {
  const { type, clusterIP, clusterIPs = [], ipFamilies = [], ipFamilyPolicy, selector = {} } = service.spec;
  const before = previous?.spec;
  if (type === "ExternalName" || (clusterIP === "None" && Object.keys(selector).length === 0)) return [];
  if (
    before !== undefined &&
    before.type === type &&
    before.ipFamilyPolicy === ipFamilyPolicy &&
    deepEqual(before.ipFamilies, ipFamilies) &&
    deepEqual(before.clusterIPs, clusterIPs)
  )
    return [];
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === "RequireDualStack" && clusterFamilies.length < 2)
    errors.push(specPath.child("ipFamilyPolicy").invalid(ipFamilyPolicy, "this cluster is not configured for dual-stack services"));
  for (const [index, family] of ipFamilies.entries()) {
    if (clusterFamilies.some((known) => known === family)) continue;
    const ip = clusterIPs[index] ?? "";
    // An address says more of what is wrong than the family that follows from it.
    if (ip.includes(".") || ip.includes(":"))
      errors.push(
        specPath
          .child("clusterIPs")
          .index(index)
          .invalid(clusterIPs, `${familyOf(ip)} is not configured on this cluster`),
      );
    else errors.push(specPath.child("ipFamilies").index(index).invalid(family, "not configured on this cluster"));
  }
  return errors;
}

/** Waits for deletion, and nothing holds it any more. */
function isGoing(object: AdmissionRequest["object"]): boolean {
  return object?.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
}

function needsNodePorts({ spec }: Draft<Service>): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
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
