import type { NFSVolumeSource } from "../../api/generated/types/core-v1.ts";
import type { VolumeDeps, VolumeType } from "./volume-type.ts";

/** A folder of a file server, by the host's `mount.nfs`. @upstream pkg/volume/nfs/nfs.go */
export const nfs: VolumeType = {
  plugin: "kubernetes.io~nfs",
  supports: (volume) => volume.nfs !== undefined,
  async setUp({ volume, directory }, deps) {
    if (volume.nfs !== undefined) await mountNfs(deps, directory, { source: volume.nfs, options: [] });
    return { hostPath: directory, readOnly: volume.nfs?.readOnly === true };
  },
};

/** Mounts it unless it is mounted. */
export async function mountNfs(
  deps: Pick<VolumeDeps, "files" | "mounts">,
  directory: string,
  { source, options }: { readonly source: NFSVolumeSource; readonly options: readonly string[] },
): Promise<void> {
  await deps.files.mkdir(directory);
  if ((await deps.mounts.below(directory)).includes(directory)) return;
  const host = source.server.includes(":") ? `[${source.server}]` : source.server;
  await deps.mounts.fileSystem(directory, { type: "nfs", source: `${host}:${source.path}`, options: source.readOnly === true ? [...options, "ro"] : options });
}
