import type { Container, EphemeralContainer, Pod } from "../../api/generated/types/core-v1.ts";

export type ContainerKind = "init" | "app" | "ephemeral";

/** A container of a pod with the list it stands in. */
export interface PodContainer {
  readonly kind: ContainerKind;
  readonly container: Container | EphemeralContainer;
}

/** Init containers, then containers, then ephemeral ones. */
export function containersOf(pod: Pod): readonly PodContainer[] {
  return [
    ...(pod.spec.initContainers ?? []).map((container) => ({ kind: "init" as const, container })),
    ...pod.spec.containers.map((container) => ({ kind: "app" as const, container })),
    ...(pod.spec.ephemeralContainers ?? []).map((container) => ({ kind: "ephemeral" as const, container })),
  ];
}

export function findContainer(pod: Pod, name: string): PodContainer | undefined {
  return containersOf(pod).find(({ container }) => container.name === name);
}

/** An init container that runs beside the others until the pod ends. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

const fieldOf: Readonly<Record<ContainerKind, string>> = { init: "initContainers", app: "containers", ephemeral: "ephemeralContainers" };

/** How events name a container: `spec.containers{web}`. */
export function containerFieldPath({ kind, container }: PodContainer): string {
  return `spec.${fieldOf[kind]}{${container.name}}`;
}

/** How messages name a pod: `name_namespace(uid)`. */
export function podText(pod: Pod): string {
  return `${pod.metadata.name ?? ""}_${pod.metadata.namespace ?? ""}(${pod.metadata.uid ?? ""})`;
}

export const uidOf = (pod: Pod): string => pod.metadata.uid ?? "";

/** Whether the pod's phase will not change any more. */
export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}
