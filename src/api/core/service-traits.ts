import type { ServiceSpec } from "../generated/types/core-v1.ts";

/** Whether the service has no virtual address: its only clusterIP is `None`. */
export function isHeadless({ clusterIPs }: ServiceSpec): boolean {
  return clusterIPs?.length === 1 && clusterIPs[0] === "None";
}

export function needsClusterIP({ type }: ServiceSpec): boolean {
  return type !== "ExternalName";
}

export function needsNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

/** Whether spec.healthCheckNodePort belongs to it. */
export function needsHealthCheckNodePort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** Whether traffic from outside the cluster can be meant for it. @upstream pkg/api/service/util.go ExternallyAccessible */
export function isExternallyAccessible({ type, externalIPs }: ServiceSpec): boolean {
  return type === "LoadBalancer" || type === "NodePort" || (type === "ClusterIP" && (externalIPs?.length ?? 0) > 0);
}
