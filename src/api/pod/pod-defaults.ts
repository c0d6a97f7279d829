import type { Draft } from "../../base/values.ts";
import type { Container, Pod, PodSpec, PodStatus } from "../generated/types/core-v1.ts";
import { containerDemand } from "./pod-resources.ts";
import { podSpecDefaults } from "./pod-spec-defaults.ts";
import { isHugePages, isOvercommitAllowed, isPodLevelResource } from "./resource-name.ts";

/** @upstream pkg/apis/core/v1/defaults.go SetDefaults_Pod */
export function podDefaults(pod: Draft<Pod>): void {
  pod.spec ??= { containers: [] };
  const { spec, status } = pod;
  podSpecDefaults(spec);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const container of containers) requestLimits(container);
  if (spec.resources !== undefined) podLevelDefaults(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true) for (const container of containers) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  if (status !== undefined) addressDefaults(status);
}

/** Only a Pod gets requests from its limits, never a template. */
function requestLimits({ resources }: Draft<Container>): void {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}

/** Fills in what stands on the pod from what its containers say, where the pod names something at all. */
function podLevelDefaults(spec: Draft<PodSpec>): void {
  const resources = spec.resources ?? {};
  if (isEmpty(resources.limits) && isEmpty(resources.requests)) return;
  const limits = { ...resources.limits };
  for (const [name, quantity] of containerDemand(spec, "limits")) if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= quantity.toString();
  if (!isEmpty(limits)) {
    const requests = { ...resources.requests };
    for (const [name, quantity] of containerDemand(spec, "requests")) if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= quantity.toString();
    for (const name in limits) if (isPodLevelResource(name)) requests[name] ??= limits[name] ?? "0";
    resources.limits = limits;
    if (!isEmpty(requests)) resources.requests = requests;
  }
}

/** podIP is podIPs[0]; where they differ podIP wins. @upstream pkg/apis/core/v1/conversion.go Convert_v1_PodStatus_To_core_PodStatus */
function addressDefaults(status: Draft<PodStatus>): void {
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP !== undefined && status.podIP !== "" && status.podIP !== first) status.podIPs = [{ ip: status.podIP }];
  else if (first !== undefined) status.podIP = first;
}

const isEmpty = (map: { readonly [key: string]: string } | undefined): boolean => map === undefined || Object.keys(map).length === 0;
