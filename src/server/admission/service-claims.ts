import type { IPAddress } from "../../api/generated/types/networking-v1.ts";
import type { Service } from "../../api/generated/types/core-v1.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import { type Random, uuid } from "../../base/random.ts";
import type { Op } from "../../store/contract.ts";
import { encodeForStore } from "../cache/cache-entry.ts";

/** Where the claims of services stand: an IPAddress for each cluster IP, a key of its own for each port of the nodes. */
export const addressClaims = "/registry/ipaddresses/";
export const portClaims = "/registry/ranges/servicenodeports/";
export const managedBy = { label: "ipaddress.kubernetes.io/managed-by", us: "ipallocator.k8s.io" } as const;

/** Takes an address for a service, if nobody has it. */
export function claimAddress(ip: string, owner: { readonly namespace: string; readonly name: string }, { clock, random }: { readonly clock: Clock; readonly random: Random }): Op {
  const object: IPAddress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: {
      name: ip,
      uid: uuid(random),
      creationTimestamp: rfc3339(clock.now()),
      generation: 1,
      labels: { "ipaddress.kubernetes.io/ip-family": ip.includes(":") ? "IPv6" : "IPv4", [managedBy.label]: managedBy.us },
    },
    spec: { parentRef: { group: "", resource: "services", ...owner } },
  };
  return { type: "put", key: addressClaims + ip, value: encodeForStore(object), if: "absent" };
}

export function claimPort(port: number): Op {
  const owner = { apiVersion: "v1", kind: "RangeAllocation", metadata: { name: String(port) }, range: String(port), data: "" };
  return { type: "put", key: portClaims + String(port), value: encodeForStore(owner), if: "absent" };
}

/** The cluster IPs that a service has; none for headless ones. */
export function addressesOf(service: Service | undefined): string[] {
  return (service?.spec.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "");
}

/** The ports of the nodes that a service has, that of its health check among them; one may stand twice. */
export function nodePortsOf(service: Service | undefined): number[] {
  if (service === undefined) return [];
  const ports = (service.spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0);
  return [...ports, service.spec.healthCheckNodePort ?? 0].filter((port) => port !== 0);
}
