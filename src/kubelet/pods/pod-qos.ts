import type { Pod, ResourceRequirements } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const isPositive = (text: string | undefined): boolean => text !== undefined && Quantity.parse(text).sign > 0;

/** The class as the status has it, or from requests and limits. @upstream pkg/apis/core/v1/helper/qos/qos.go */
export function qosClassOf(pod: Pod): QosClass {
  const known = pod.status?.qosClass;
  if (known === "Guaranteed" || known === "Burstable" || known === "BestEffort") return known;
  return computeQosClass(pod);
}

export function computeQosClass(pod: Pod): QosClass {
  const podLevel = pod.spec.resources;
  const all: readonly (ResourceRequirements | undefined)[] =
    podLevel !== undefined && (podLevel.requests !== undefined || podLevel.limits !== undefined)
      ? [podLevel]
      : [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.resources);
  let some = false;
  let guaranteed = true;
  for (const resources of all) {
    for (const name of ["cpu", "memory"]) {
      const request = resources?.requests?.[name];
      const limit = resources?.limits?.[name];
      if (isPositive(request) || isPositive(limit)) some = true;
      if (!isPositive(limit)) guaranteed = false;
      else if (request !== undefined && isPositive(request) && !Quantity.parse(request).equals(Quantity.parse(limit ?? "0"))) guaranteed = false;
    }
  }
  if (!some) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
