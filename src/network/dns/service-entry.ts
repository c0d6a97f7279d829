import type { Service } from "../../api/generated/types/core-v1.ts";
import type { Endpoint, EndpointSlice } from "../../api/generated/types/discovery-v1.ts";

export interface NamedPort {
  /** Empty for the only, unnamed port. */
  readonly name: string;
  /** `tcp` */
  readonly protocol: string;
  readonly port: number;
}

export interface EndpointEntry {
  /** The first label of its own name: the pod's hostname, or its address with dashes. */
  readonly label: string;
  readonly ip: string;
  readonly ports: readonly NamedPort[];
}

/** What DNS knows of one service. Example: {type: "cluster", ips: ["10.96.0.1"], ports: [{name: "https", protocol: "tcp", port: 443}], …}. */
export type ServiceEntry =
  | { readonly type: "cluster"; readonly ips: readonly string[]; readonly ports: readonly NamedPort[]; readonly endpoints: readonly EndpointEntry[] }
  | { readonly type: "headless"; readonly endpoints: readonly EndpointEntry[] }
  | { readonly type: "external"; readonly target: string };

/** @upstream coredns plugin/kubernetes/object/service.go */
export function serviceEntry({ spec }: Service, slices: readonly EndpointSlice[]): ServiceEntry | undefined {
  if (spec.type === "ExternalName") {
    const target = (spec.externalName ?? "").replace(/\.$/, "").toLowerCase();
    return target === "" ? undefined : { type: "external", target };
  }
  const endpoints = endpointEntries(slices);
  if (spec.clusterIP === "None") return { type: "headless", endpoints };
  const ips = spec.clusterIPs !== undefined && spec.clusterIPs.length > 0 ? spec.clusterIPs : spec.clusterIP === undefined || spec.clusterIP === "" ? [] : [spec.clusterIP];
  if (ips.length === 0) return undefined;
  const ports = (spec.ports ?? []).map(({ name, protocol, port }) => ({ name: name ?? "", protocol: (protocol ?? "TCP").toLowerCase(), port }));
  return { type: "cluster", ips, ports, endpoints };
}

/** Ready ones; the slices say ready of all endpoints when their service publishes those that are not. */
function endpointEntries(slices: readonly EndpointSlice[]): readonly EndpointEntry[] {
  const found = new Map<string, EndpointEntry>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    const ports = (slice.ports ?? []).flatMap(({ name, protocol, port }) => (port === undefined ? [] : [{ name: name ?? "", protocol: (protocol ?? "TCP").toLowerCase(), port }]));
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue;
      for (const ip of endpoint.addresses) {
        const label = endpointLabel(endpoint, ip);
        const key = `${label} ${ip}`;
        const known = found.get(key);
        found.set(key, { label, ip, ports: known === undefined ? ports : [...known.ports, ...ports.filter((port) => !known.ports.some((other) => samePort(other, port)))] });
      }
    }
  }
  return [...found.values()];
}

const samePort = (a: NamedPort, b: NamedPort): boolean => a.name === b.name && a.protocol === b.protocol && a.port === b.port;

const endpointLabel = ({ hostname }: Endpoint, ip: string): string => (hostname !== undefined && hostname !== "" ? hostname.toLowerCase() : ip.replaceAll(/[.:]/g, "-"));
