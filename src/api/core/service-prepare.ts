import { deepEqual, type Draft } from "../../base/values.ts";
import type { Service, ServiceSpec } from "../generated/types/core-v1.ts";
import { initServiceFamilies } from "./service-families.ts";
import { isExternallyAccessible, needsClusterIP, needsHealthCheckNodePort, needsNodePorts } from "./service-traits.ts";

/** The families of a cluster that says nothing else; an allocator of a dual-stack cluster adds the second. */
const singleStack = ["IPv4"] as const;

/** @upstream pkg/registry/core/service/storage/storage.go beginCreate */
export function prepareServiceCreate(draft: Draft<Service>): void {
  const { spec } = draft;
  draft.status = { loadBalancer: {} };
  if (set(spec.clusterIP) && !filled(spec.clusterIPs)) spec.clusterIPs = [spec.clusterIP];
  initServiceFamilies(spec, singleStack);
}

/** @upstream pkg/registry/core/service/storage/storage.go beginUpdate, ../strategy.go PrepareForUpdate */
export function prepareServiceUpdate(draft: Draft<Service>, { spec: before }: Service): void {
  keepAllocated(draft.spec, before);
  syncClusterIPs(draft.spec, before);
  trimSecondFamily(draft.spec, before);
  initServiceFamilies(draft.spec, singleStack);
  dropWhatTypeNoLongerUses(draft, before);
}

/** What was allocated and the client left out stays. */
function keepAllocated(after: Draft<ServiceSpec>, before: ServiceSpec): void {
  if (needsClusterIP(before) && needsClusterIP(after)) {
    if (!set(after.clusterIP)) after.clusterIP = before.clusterIP;
    if (!filled(after.clusterIPs) && after.clusterIP === before.clusterIP && before.clusterIPs !== undefined) after.clusterIPs = [...before.clusterIPs];
  }
  if (needsNodePorts(before) && needsNodePorts(after)) keepNodePorts(after, before);
  if (needsHealthCheckNodePort(before) && needsHealthCheckNodePort(after)) after.healthCheckNodePort = positive(after.healthCheckNodePort) ?? before.healthCheckNodePort;
}

function keepNodePorts(after: Draft<ServiceSpec>, before: ServiceSpec): void {
  const keyOf = ({ protocol = "TCP", port }: { readonly protocol?: string | undefined; readonly port: number }): string => `${protocol}/${port}`;
  const taken = new Set((after.ports ?? []).map(({ nodePort, protocol }) => `${protocol ?? "TCP"}/${nodePort ?? 0}`));
  const known = new Map((before.ports ?? []).map((port) => [keyOf(port), port.nodePort]));
  for (const port of after.ports ?? []) {
    const nodePort = positive(port.nodePort) === undefined ? positive(known.get(keyOf(port))) : undefined;
    if (nodePort === undefined || taken.has(`${port.protocol ?? "TCP"}/${nodePort}`)) continue;
    port.nodePort = nodePort;
    taken.add(`${port.protocol ?? "TCP"}/${nodePort}`);
  }
}

/** clusterIP and clusterIPs say the same; a client may know only one of them. */
function syncClusterIPs(after: Draft<ServiceSpec>, before: ServiceSpec): void {
  const sameList = deepEqual(after.clusterIPs ?? [], before.clusterIPs ?? []);
  if (set(before.clusterIP) && !set(after.clusterIP) && sameList) delete after.clusterIPs;
  else if (set(before.clusterIP) && set(after.clusterIP) && after.clusterIP !== before.clusterIP && sameList) after.clusterIPs = [after.clusterIP];
  else if (!set(before.clusterIP) && set(after.clusterIP) && !filled(after.clusterIPs)) after.clusterIPs = [after.clusterIP];
}

/** Going from two families to one needs no more than saying SingleStack. */
function trimSecondFamily(after: Draft<ServiceSpec>, before: ServiceSpec): void {
  if (!needsClusterIP(before) || !needsClusterIP(after)) return;
  if (before.ipFamilyPolicy === undefined || before.ipFamilyPolicy === "SingleStack" || after.ipFamilyPolicy !== "SingleStack") return;
  if (after.clusterIPs?.length === 2 && deepEqual(after.clusterIPs, before.clusterIPs)) after.clusterIPs.length = 1;
  if (after.ipFamilies?.length === 2 && deepEqual(after.ipFamilies, before.ipFamilies)) after.ipFamilies.length = 1;
}

/** Fields that do not apply to the new type go, unless the client changed them too: then validation speaks. */
function dropWhatTypeNoLongerUses(draft: Draft<Service>, before: ServiceSpec): void {
  const after = draft.spec;
  if (needsClusterIP(before) && !needsClusterIP(after)) {
    if (after.clusterIP === before.clusterIP && deepEqual(after.clusterIPs ?? [], before.clusterIPs ?? [])) {
      delete after.clusterIP;
      delete after.clusterIPs;
    }
    if (deepEqual(after.ipFamilies, before.ipFamilies)) delete after.ipFamilies;
    if (after.ipFamilyPolicy === before.ipFamilyPolicy) delete after.ipFamilyPolicy;
  }
  if (needsNodePorts(before) && !needsNodePorts(after)) {
    const known = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
    const ports = after.ports ?? [];
    if (ports.every(({ nodePort }) => positive(nodePort) === undefined || known.has(nodePort))) for (const port of ports) delete port.nodePort;
  }
  if (needsHealthCheckNodePort(before) && !needsHealthCheckNodePort(after) && after.healthCheckNodePort === before.healthCheckNodePort) delete after.healthCheckNodePort;
  if (before.type === "LoadBalancer" && after.type !== "LoadBalancer") {
    if (after.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) delete after.allocateLoadBalancerNodePorts;
    if (after.loadBalancerClass === before.loadBalancerClass) delete after.loadBalancerClass;
  }
  if (isExternallyAccessible(before) && !isExternallyAccessible(after) && after.externalTrafficPolicy === before.externalTrafficPolicy) delete after.externalTrafficPolicy;
  if (after.type !== "LoadBalancer" && draft.status !== undefined) draft.status = { ...draft.status, loadBalancer: {} };
}

const set = (text: string | undefined): text is string => text !== undefined && text !== "";
const filled = (list: readonly string[] | undefined): boolean => list !== undefined && list.length > 0;
const positive = (value: number | undefined): number | undefined => (value === undefined || value === 0 ? undefined : value);
