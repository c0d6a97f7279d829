import type { Quantity } from "../../meta/quantity.ts";
import type { Container, PodSpec } from "../generated/types/core-v1.ts";
import { addResources, parseResources, raiseResources } from "./resource-list.ts";
import { isPodLevelResource } from "./resource-name.ts";

export type Demand = "requests" | "limits";
/** The parts of a pod spec that say what it asks for. */
export type PodDemand = Pick<PodSpec, "containers" | "initContainers" | "overhead" | "resources">;

/** A container that starts with the init containers and stays: a sidecar. */
export const isSidecar = (container: Pick<Container, "restartPolicy">): boolean => container.restartPolicy === "Always";

/**
 * What the containers ask for together: the sum of those that run side by side, or more when an init container needs
 * more on its way. @upstream component-helpers/resource/helpers.go AggregateContainerRequests
 */
export function containerDemand(spec: Pick<PodSpec, "containers" | "initContainers">, demand: Demand): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) addResources(total, parseResources(container.resources?.[demand]));
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const own = parseResources(container.resources?.[demand]);
    if (isSidecar(container)) {
      addResources(total, own);
      addResources(sidecars, own);
      raiseResources(starting, sidecars);
    } else {
      addResources(own, sidecars);
      raiseResources(starting, own);
    }
  }
  raiseResources(total, starting);
  return total;
}

/** What a node must have left for the pod, overhead included. @upstream component-helpers/resource/helpers.go PodRequests */
export function podRequests(spec: PodDemand): Map<string, Quantity> {
  const total = podDemand(spec, "requests");
  addResources(total, parseResources(spec.overhead));
  return total;
}

/** What the pod is bounded by; overhead counts only where there is a bound. @upstream component-helpers/resource/helpers.go PodLimits */
export function podLimits(spec: PodDemand): Map<string, Quantity> {
  const total = podDemand(spec, "limits");
  for (const [name, extra] of parseResources(spec.overhead)) {
    const limit = total.get(name);
    if (limit !== undefined && !limit.isZero) total.set(name, limit.add(extra));
  }
  return total;
}

function podDemand(spec: PodDemand, demand: Demand): Map<string, Quantity> {
  const total = containerDemand(spec, demand);
  for (const [name, quantity] of parseResources(spec.resources?.[demand])) if (isPodLevelResource(name)) total.set(name, quantity);
  return total;
}

/** Whether requests or limits stand on the pod itself. */
export function hasPodLevelResources({ resources }: Pick<PodSpec, "resources">): boolean {
  return resources !== undefined && (Object.keys(resources.requests ?? {}).some(isPodLevelResource) || Object.keys(resources.limits ?? {}).some(isPodLevelResource));
}
