import type { Pod } from "../../api/generated/types/core-v1.ts";
import { Quantity } from "../../meta/quantity.ts";
import { memoryFolder } from "./memory-folder.ts";
import { giveToGroup } from "./volume-ownership.ts";
import type { VolumeType } from "./volume-type.ts";

/** A folder that lives as long as the pod. @upstream pkg/volume/emptydir/empty_dir.go */
export const emptyDir: VolumeType = {
  plugin: "kubernetes.io~empty-dir",
  supports: (volume) => volume.emptyDir !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const { medium = "", sizeLimit } = volume.emptyDir ?? {};
    const marker = await deps.files.stat(directory);
    if (medium === "Memory") {
      const sizeBytes = memorySize(pod, sizeLimit, deps.allocatable());
      await memoryFolder(deps, directory, { mode: 0o1777, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
    } else if (medium !== "") throw new Error(`unknown storage medium "${medium}"`);
    if (marker !== undefined) return { hostPath: directory, readOnly: false };
    await deps.files.mkdir(directory);
    await deps.files.chmod(directory, 0o777);
    await giveToGroup(deps.files, pod, directory);
    return { hostPath: directory, readOnly: false };
  },
};

/** The limit given, but never more than the pod's containers may use together, or the node has. */
function memorySize(pod: Pod, sizeLimit: string | undefined, allocatable: Readonly<Record<string, string>>): number | undefined {
  const limits = pod.spec.containers.map((container) => container.resources?.limits?.["memory"]);
  const node = allocatable["memory"];
  const bounds = [
    ...(sizeLimit === undefined ? [] : [Quantity.parse(sizeLimit).value()]),
    ...(limits.every((limit) => limit !== undefined) ? [limits.reduce((sum, limit) => sum + Quantity.parse(limit ?? "0").value(), 0)] : []),
    ...(node === undefined ? [] : [Quantity.parse(node).value()]),
  ].filter((bytes) => bytes > 0);
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}
