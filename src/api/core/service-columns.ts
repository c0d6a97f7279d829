import { ageColumn, labelsText, nameColumn } from "../columns.ts";
import type { Service, ServicePort } from "../generated/types/core-v1.ts";
import type { Column } from "../kind.ts";

/** @upstream pkg/printers/internalversion/printers.go printService */
export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: "Type", type: "string", value: ({ spec }) => spec.type ?? "" },
  { name: "Cluster-IP", type: "string", value: ({ spec }) => spec.clusterIPs?.[0] ?? "<none>" },
  { name: "External-IP", type: "string", value: externalAddress },
  { name: "Port(s)", type: "string", value: ({ spec }) => portsText(spec.ports ?? []) },
  ageColumn,
  { name: "Selector", type: "string", priority: 1, value: ({ spec }) => labelsText(spec.selector) },
];

function externalAddress({ spec, status }: Service): string {
  const externalIPs = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return externalIPs.length > 0 ? externalIPs.join(",") : "<none>";
    case "LoadBalancer": {
      const addresses = [...ingressAddresses(status?.loadBalancer?.ingress ?? []), ...externalIPs];
      return addresses.length > 0 ? addresses.join(",") : "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

/** The addresses of a load balancer's ingress points, sorted, each once; names where there is no IP. */
export function ingressAddresses(ingress: readonly { readonly ip?: string | undefined; readonly hostname?: string | undefined }[]): readonly string[] {
  const addresses = ingress.map(({ ip, hostname }) => (ip === undefined || ip === "" ? (hostname ?? "") : ip));
  return [...new Set(addresses.filter((address) => address !== ""))].sort();
}

function portsText(ports: readonly ServicePort[]): string {
  if (ports.length === 0) return "<none>";
  return ports.map(({ port, nodePort = 0, protocol = "TCP" }) => (nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`)).join(",");
}
