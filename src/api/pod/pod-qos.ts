import type { Quantity } from "../../meta/quantity.ts";
import type { Pod, PodSpec } from "../generated/types/core-v1.ts";
import { hasPodLevelResources } from "./pod-resources.ts";
import { addResources, parseResources, type ResourceList } from "./resource-list.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

/** The class that the spec earns. @upstream pkg/apis/core/v1/helper/qos/qos.go ComputePodQOS */
export function podQosClass(spec: Pick<PodSpec, "containers" | "initContainers" | "resources">): QosClass {
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let everyLimitSet = true;
  const demands = hasPodLevelResources(spec) ? [spec] : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const { resources } of demands) {
    addResources(requests, positive(resources?.requests));
    const own = positive(resources?.limits);
    if (own.size < counted.length) everyLimitSet = false;
    addResources(limits, own);
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const equal = requests.size === limits.size && [...requests].every(([name, quantity]) => limits.get(name)?.equals(quantity) === true);
  return everyLimitSet && equal ? "Guaranteed" : "Burstable";
}

/** The class that was recorded, or the one that the spec earns. @upstream GetPodQOS */
export function recordedQosClass(pod: Pick<Pod, "spec" | "status">): string {
  return pod.status?.qosClass || podQosClass(pod.spec);
}

function positive(list: ResourceList | undefined): Map<string, Quantity> {
  const resources = parseResources(list);
  for (const [name, quantity] of resources) if ((name !== "cpu" && name !== "memory") || quantity.sign <= 0) resources.delete(name);
  return resources;
}
