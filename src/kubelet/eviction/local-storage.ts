import type { Pod } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { emptyDir } from "../volumes/empty-dir.ts";

/** Bytes a pod uses of the node's disk. */
export interface LocalStorageUsage {
  /** By volume. */
  readonly emptyDirs: ReadonlyMap<string, number>;
  /** Writable layer and logs, by container. */
  readonly containers: ReadonlyMap<string, number>;
}

/** Whether anything about the pod's disk use is limited at all: most pods need not be measured. */
export function limitsLocalStorage(pod: Pod): boolean {
  return (
    (pod.spec.volumes ?? []).some((volume) => emptyDir.supports(volume) && volume.emptyDir?.sizeLimit !== undefined) ||
    pod.spec.containers.some(({ resources }) => resources?.limits?.["ephemeral-storage"] !== undefined)
  );
}

/** The message of the eviction when a limit is exceeded. @upstream pkg/kubelet/eviction/eviction_manager.go localStorageEviction */
export function exceededLimit(pod: Pod, usage: LocalStorageUsage): string | undefined {
  for (const { name, emptyDir: source } of pod.spec.volumes ?? []) {
    const limit = source?.sizeLimit;
    if (limit !== undefined && !Quantity.parse(limit).isZero && (usage.emptyDirs.get(name) ?? 0) > Quantity.parse(limit).value())
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.["ephemeral-storage"]);
  if (limits.every((limit) => limit !== undefined) && limits.length > 0) {
    const total = limits.reduce((sum, limit) => sum.add(Quantity.parse(limit ?? "0")), Quantity.zero);
    const used = [...usage.emptyDirs.values(), ...usage.containers.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (used > total.value()) return `Pod ephemeral local storage usage exceeds the total limit of containers ${total.toString()}. `;
  }
  for (const { name, resources } of pod.spec.containers) {
    const limit = resources?.limits?.["ephemeral-storage"];
    if (limit !== undefined && (usage.containers.get(name) ?? 0) > Quantity.parse(limit).value())
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
  }
  return undefined;
}
