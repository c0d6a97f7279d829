import type { Container, Pod, ResourceRequirements } from "../../api/generated/types/core-v1.ts";
import { currentContainer, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";

/** Requests and limits in one text that is the same for the same resources: what a container was made with is kept so. */
export function resourcesText(resources: ResourceRequirements | undefined): string {
  const sorted = (map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ requests: sorted(resources?.requests), limits: sorted(resources?.limits) });
}

/** The reverse; undefined for a text that is none. */
export function parseResources(text: string): ResourceRequirements | undefined {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as ResourceRequirements;
  } catch {
    return undefined;
  }
}

/** What a running container's new resources ask for. `applied` is what it has; empty when that is not known. */
export function resizeOf(container: Container, applied: string): "none" | "update" | "restart" {
  const present = parseResources(applied);
  if (present === undefined || applied === resourcesText(container.resources)) return "none";
  const changed = (name: string): boolean => present.requests?.[name] !== container.resources?.requests?.[name] || present.limits?.[name] !== container.resources?.limits?.[name];
  const restarts = (container.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => restartPolicy === "RestartContainer" && changed(resourceName));
  return restarts ? "restart" : "update";
}

/** The pod as its running containers have it: their present resources in place of the wanted. */
export function withAppliedResources(pod: Pod, runtimePod: RuntimePod, applied: (container: RuntimeContainer) => string): Pod {
  const keep = (container: Container): Container => {
    const running = currentContainer(runtimePod, container.name);
    const present = running === undefined ? undefined : parseResources(applied(running));
    return present === undefined ? container : { ...container, resources: present };
  };
  const init = pod.spec.initContainers;
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(keep), ...(init === undefined ? {} : { initContainers: init.map(keep) }) } };
}

/** Whether a running container has other resources than the pod wants. */
export function isResizing(pod: Pod, runtimePod: RuntimePod, applied: (container: RuntimeContainer) => string): boolean {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some((container) => {
    const running = currentContainer(runtimePod, container.name);
    return running?.state === "running" && resizeOf(container, applied(running)) !== "none";
  });
}
