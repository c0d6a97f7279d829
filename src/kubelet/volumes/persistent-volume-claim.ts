import type { PersistentVolume, Pod, Volume } from "../../api/generated/types/core-v1.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import { checkHostPath } from "./host-path.ts";
import { mountNfs } from "./nfs.ts";
import { giveToGroup } from "./volume-ownership.ts";
import type { MountedVolume, VolumeDeps, VolumeType } from "./volume-type.ts";

/** The claim behind a volume: a named one, or that of an ephemeral volume. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  return volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`);
}

/** A claim's volume: `local` or `hostPath` of this node, or NFS. @upstream pkg/kubelet/volumemanager, pkg/volume/local */
export const persistentVolumeClaim: VolumeType = {
  plugin: "kubernetes.io~local-volume",
  supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  async setUp({ pod, volume, directory }, deps) {
    const persistent = await boundVolume(pod, volume, deps);
    return { ...(await place(pod, { persistent, directory }, deps)), readOnly: volume.persistentVolumeClaim?.readOnly === true };
  },
};

async function place(pod: Pod, { persistent, directory }: { readonly persistent: PersistentVolume; readonly directory: string }, deps: VolumeDeps): Promise<MountedVolume> {
  const { local, hostPath, nfs, volumeMode, mountOptions = [] } = persistent.spec ?? {};
  if (volumeMode === "Block") throw new Error(`volume ${persistent.metadata.name} has volumeMode Block, which this node does not offer`);
  if (hostPath !== undefined) {
    await checkHostPath(deps.files, hostPath.path, hostPath.type ?? "");
    return { hostPath: hostPath.path, readOnly: false };
  }
  if (local !== undefined) {
    if ((await deps.files.stat(local.path)) === undefined) throw new Error(`path "${local.path}" does not exist`);
    await giveToGroup(deps.files, pod, local.path);
    return { hostPath: local.path, readOnly: false };
  }
  if (nfs !== undefined) {
    await mountNfs(deps, directory, { source: nfs, options: mountOptions });
    await giveToGroup(deps.files, pod, directory);
    return { hostPath: directory, readOnly: false };
  }
  throw new Error(`no volume plugin matched for PersistentVolume ${persistent.metadata.name}`);
}

/** The volume that the pod's claim is bound to; throws until it is. */
export async function boundVolume(pod: Pod, volume: Volume, deps: Pick<VolumeDeps, "client">): Promise<PersistentVolume> {
  const namespace = pod.metadata.namespace ?? "";
  const name = claimNameOf(pod, volume) ?? "";
  const fail = (why: string): never => {
    throw new Error(`error processing PVC ${namespace}/${name}: ${why}`);
  };
  const claim = await deps.client.get(persistentVolumeClaims, name, { namespace }).catch((error: unknown) => {
    if (hasReason(error, "NotFound")) return fail(`failed to fetch PVC from API server: ${error.message}`);
    throw error;
  });
  if (volume.ephemeral !== undefined && !(claim.metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid))
    fail(`PVC ${name} was not created for pod ${pod.metadata.name} (pod is not owner)`);
  if (claim.metadata.deletionTimestamp !== undefined) fail("PVC is being deleted");
  const volumeName = claim.spec?.volumeName ?? "";
  if (claim.status?.phase !== "Bound" || volumeName === "") fail("PVC is not bound");
  const persistent = await deps.client.get(persistentVolumes, volumeName);
  const owner = persistent.spec?.claimRef;
  if (owner === undefined || owner.uid !== claim.metadata.uid) fail(`PV ${volumeName} is bound to another claim`);
  return persistent;
}
