import type { Service, ServicePort } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { parseCidr, parseIp } from "../../meta/ip.ts";
import { chooseBackends, type Backends } from "./endpoint-choice.ts";

export type ProxyProtocol = "tcp" | "udp" | "sctp";

/** What one port of one service asks of this node. */
export interface ServicePortPlan {
  /** `ns/name` */
  readonly service: string;
  /** Empty for the only, unnamed port. */
  readonly portName: string;
  readonly protocol: ProxyProtocol;
  readonly port: number;
  readonly clusterIp: string;
  /** spec.externalIPs: reached from outside. */
  readonly externalIps: readonly string[];
  /** status.loadBalancer.ingress[].ip */
  readonly loadBalancerIps: readonly string[];
  /** Who may use the load balancer's addresses; undefined: everybody. */
  readonly sourceRanges: readonly string[] | undefined;
  readonly nodePort: number | undefined;
  /** ClientIP affinity, undefined without. */
  readonly affinitySeconds: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly backends: Backends;
}

/** Services under this label are answered by the agent itself. */
export const servedByLabel = "keles.dev/served-by";
const defaultAffinitySeconds = 10_800;

/** Whether the proxy is to serve it at all. @upstream pkg/proxy/util/utils.go ShouldSkipService */
export function isProxied(service: Service): boolean {
  const { clusterIP, type } = service.spec;
  if (type === "ExternalName" || clusterIP === undefined || clusterIP === "" || clusterIP === "None") return false;
  const labels = service.metadata.labels ?? {};
  return labels["service.kubernetes.io/service-proxy-name"] === undefined && labels[servedByLabel] !== "agent";
}

/** The IPv4 plans of one service, by port. Empty when the proxy has nothing to do for it. */
export function planService(service: Service, slices: readonly EndpointSlice[], nodeName: string): readonly ServicePortPlan[] {
  if (!isProxied(service)) return [];
  const { spec, status, metadata } = service;
  const clusterIp = [...(spec.clusterIPs ?? []), spec.clusterIP ?? ""].find(isIpv4);
  if (clusterIp === undefined) return [];
  const outward = spec.type === "NodePort" || spec.type === "LoadBalancer";
  const ranges = spec.loadBalancerSourceRanges?.map((range) => range.trim()).filter((range) => parseCidr(range)?.address.family === 4);
  const shared = {
    service: `${metadata.namespace ?? ""}/${metadata.name ?? ""}`,
    clusterIp,
    externalIps: (spec.externalIPs ?? []).filter(isIpv4),
    sourceRanges: (spec.loadBalancerSourceRanges ?? []).length === 0 || ranges?.includes("0.0.0.0/0") === true ? undefined : ranges,
    affinitySeconds: spec.sessionAffinity === "ClientIP" ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds) : undefined,
    internalLocal: spec.internalTrafficPolicy === "Local",
    externalLocal: spec.externalTrafficPolicy === "Local" && (outward || (spec.externalIPs ?? []).length > 0),
    loadBalancerIps:
      spec.type === "LoadBalancer" ? (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip !== undefined && isIpv4(ip) && ipMode !== "Proxy" ? [ip] : [])) : [],
  };
  return (spec.ports ?? []).flatMap((port) => {
    const protocol = protocolOf(port);
    if (protocol === undefined) return [];
    const portName = port.name ?? "";
    const nodePort = outward && (port.nodePort ?? 0) > 0 ? port.nodePort : undefined;
    const backends = chooseBackends(slices, portName, protocol.toUpperCase(), nodeName);
    return [{ ...shared, portName, protocol, port: port.port, nodePort, backends }];
  });
}

const isIpv4 = (ip: string): boolean => parseIp(ip)?.family === 4 && !ip.includes(":");

function protocolOf(port: ServicePort): ProxyProtocol | undefined {
  const protocol = (port.protocol ?? "TCP").toLowerCase();
  return protocol === "tcp" || protocol === "udp" || protocol === "sctp" ? protocol : undefined;
}
