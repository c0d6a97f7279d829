import type { Node, PersistentVolume, Pod } from "../../api/generated/types/core-v1.ts";
import type { VolumeAttachment } from "../../api/generated/types/storage-v1.ts";

/** A volume of a CSI driver as nodes name it in their status: `kubernetes.io/csi/DRIVER^HANDLE`. */
export function uniqueName({ driver, volumeHandle }: { readonly driver: string; readonly volumeHandle: string }): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}

/** A volume that pods on a node use. */
export interface WantedVolume {
  readonly volume: PersistentVolume;
  readonly driver: string;
  readonly volumeHandle: string;
  readonly pods: readonly Pod[];
}

/** Whether the pod may still use its volumes on its node. @upstream pkg/controller/volume/attachdetach/util/util.go */
export function usesVolumes({ spec, status }: Pod): boolean {
  if ((spec.nodeName ?? "") === "") return false;
  if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return true;
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])];
  return statuses.some(({ state }) => state?.running !== undefined);
}

/** Whether several nodes may have the volume at once. */
export function isShareable({ spec }: PersistentVolume): boolean {
  return (spec.accessModes ?? []).some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
}

/** How long a node that is not healthy is given to unmount. */
export const UNMOUNT_MS = 6 * 60_000;
const outOfService = "node.kubernetes.io/out-of-service";

export type Parting = "detach" | "wait" | { readonly waitMs: number };

/**
 * Whether a volume that no pod of the node needs may leave it: at once when the node says that it is unmounted, is gone
 * or is out of service; after a while when the node does not answer. @upstream reconciler.go reconcile
 */
export function parting(node: Node | undefined, name: string, unneededMs: number): Parting {
  if (node === undefined || node.spec.taints?.some(({ key }) => key === outOfService) === true) return "detach";
  if (node.status?.volumesInUse?.includes(name) !== true) return "detach";
  const isHealthy = node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  if (isHealthy) return "wait";
  return unneededMs >= UNMOUNT_MS ? "detach" : { waitMs: UNMOUNT_MS - unneededMs };
}

/** What the pods of a node are told when its volume is elsewhere. @upstream reconciler.go reportMultiAttachError */
export function multiAttachText(volume: string, users: readonly Pod[], namespace: string): string {
  const own = users.filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name ?? "");
  const others = users.length - own.length;
  const start = `Multi-Attach error for volume ${JSON.stringify(volume)} Volume is already`;
  if (users.length === 0) return `${start} exclusively attached to one node and can't be attached to another`;
  if (own.length === 0) return `${start} used by ${others} pod(s) in different namespaces`;
  return `${start} used by pod(s) ${own.join(", ")}${others > 0 ? ` and ${others} pod(s) in different namespaces` : ""}`;
}

/** What the node's status should list, by name. */
export function attachedNames(attachments: readonly VolumeAttachment[], volumeOf: (name: string) => PersistentVolume | undefined): readonly string[] {
  const names = attachments.flatMap(({ spec, status }) => {
    const csi = status?.attached === true ? volumeOf(spec.source.persistentVolumeName ?? "")?.spec.csi : undefined;
    return csi === undefined ? [] : [uniqueName(csi)];
  });
  return [...new Set(names)].sort();
}
