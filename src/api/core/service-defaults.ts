import type { Draft } from "../../base/values.ts";
import type { Service } from "../generated/types/core-v1.ts";
import { isExternallyAccessible } from "./service-traits.ts";

const clientIPTimeoutSeconds = 10800;

/** @upstream pkg/apis/core/v1/defaults.go SetDefaults_Service */
export function defaultService(draft: Draft<Service>): void {
  draft.spec ??= {};
  draft.status ??= {};
  draft.status.loadBalancer ??= {};
  const { spec } = draft;
  spec.sessionAffinity = nonEmpty(spec.sessionAffinity) ?? "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: clientIPTimeoutSeconds } };
  }
  spec.type = nonEmpty(spec.type) ?? "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol = nonEmpty(port.protocol) ?? "TCP";
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "") port.targetPort = port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy = nonEmpty(spec.externalTrafficPolicy) ?? "Cluster";
  if (spec.type === "ClusterIP" || spec.type === "NodePort" || spec.type === "LoadBalancer") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of draft.status.loadBalancer.ingress ?? []) if (nonEmpty(ingress.ip) !== undefined) ingress.ipMode ??= "VIP";
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
