import { Quantity } from "../../meta/quantity.ts";
import type { Container, Pod, PodSpec } from "../generated/types/core-v1.ts";
import { hasPodLevelResources } from "./pod-resources.ts";
import type { ResourceList } from "./resource-list.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

/** The class that the spec earns. @upstream pkg/apis/core/v1/helper/qos/qos.go ComputePodQOS */
export function podQosClass(spec: Pick<PodSpec, "containers" | "initContainers" | "resources">): QosClass {
  const demands = hasPodLevelResources(spec) ? [spec] : [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  if (!demands.some(asksForAnything)) return "BestEffort";
  return counted.every((name) => isBounded(demands, name)) ? "Guaranteed" : "Burstable";
}

/** The class that was recorded, or the one that the spec earns. @upstream GetPodQOS */
export function recordedQosClass(pod: Pick<Pod, "spec" | "status">): string {
  return pod.status?.qosClass || podQosClass(pod.spec);
}

type Demanding = Pick<Container, "resources">;

const asksForAnything = ({ resources }: Demanding): boolean =>
  counted.some((name) => amountOf(resources?.requests, name) !== undefined || amountOf(resources?.limits, name) !== undefined);

/** All have a limit, and together ask for just as much as their limits are. */
function isBounded(demands: readonly Demanding[], name: (typeof counted)[number]): boolean {
  let requested = Quantity.zero;
  let limited = Quantity.zero;
  for (const { resources } of demands) {
    const limit = amountOf(resources?.limits, name);
    if (limit === undefined) return false;
    limited = limited.add(limit);
    requested = requested.add(amountOf(resources?.requests, name) ?? Quantity.zero);
  }
  return requested.equals(limited);
}

/** Undefined for none at all. */
function amountOf(list: ResourceList | undefined, name: (typeof counted)[number]): Quantity | undefined {
  const text = list?.[name];
  const amount = text === undefined ? undefined : Quantity.parse(text);
  return amount !== undefined && amount.sign > 0 ? amount : undefined;
}
