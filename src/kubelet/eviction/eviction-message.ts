import { Quantity } from "../../meta/quantity.ts";
import { podRequest } from "../admission/admit-pod.ts";
import { resourceOf, type Crossed } from "./find-pressure.ts";
import type { PodUsage } from "./rank-pods.ts";

const amount = (bytes: number): string => {
  const whole = Math.floor(bytes);
  return whole % 1024 === 0 ? Quantity.of(whole, "BinarySI").toString() : `${Math.floor(whole / 1024)}Ki`;
};

/** What the evicted pod's status says. @upstream pkg/kubelet/eviction/helpers.go evictionMessage */
export function evictionMessage(crossed: Crossed, usage: PodUsage, containers: ReadonlyMap<string, number>): string {
  const resource = resourceOf(crossed.signal);
  let message = `The node was low on resource: ${resource}. `;
  if (resource === "memory" || resource === "ephemeral-storage")
    message += `Threshold quantity: ${amount(crossed.threshold)}, available: ${amount(crossed.observation.available)}. `;
  for (const container of usage.pod.spec.containers) {
    const used = containers.get(container.name);
    if (used === undefined) continue;
    const request = podRequest({ ...usage.pod, spec: { ...usage.pod.spec, containers: [container], initContainers: [], overhead: undefined, resources: undefined } }, resource);
    if (used > request)
      message += `Container ${container.name} was using ${amount(used)}, request is ${request === 0 ? "0" : amount(request)}, has larger consumption of ${resource}. `;
  }
  return message;
}
