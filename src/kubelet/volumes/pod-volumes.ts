import type { Pod, Volume } from "../../api/generated/types/core-v1.ts";
import { configMap } from "./config-map.ts";
import { downwardApi } from "./downward-api.ts";
import { emptyDir } from "./empty-dir.ts";
import { hostPath } from "./host-path.ts";
import { nfs } from "./nfs.ts";
import { persistentVolumeClaim } from "./persistent-volume-claim.ts";
import { projected } from "./projected.ts";
import { secret } from "./secret.ts";
import type { MountedVolume, VolumeDeps, VolumeType } from "./volume-type.ts";

export const builtInVolumeTypes: readonly VolumeType[] = [emptyDir, hostPath, configMap, secret, downwardApi, projected, nfs, persistentVolumeClaim];

/** One volume that could not be made. */
export interface VolumeFailure {
  readonly volume: string;
  readonly message: string;
}

/** The volumes of the node's pods: made, kept current, and taken away. */
export class PodVolumes {
  readonly #types: readonly VolumeType[];
  readonly #podsDir: string;
  readonly #deps: VolumeDeps;

  constructor(options: { readonly podsDir: string; readonly types?: readonly VolumeType[] }, deps: VolumeDeps) {
    this.#podsDir = options.podsDir;
    // What is given comes first, so that a driver can take over a built-in type.
    this.#types = [...(options.types ?? []), ...builtInVolumeTypes];
    this.#deps = deps;
  }

  podDir(uid: string): string {
    return `${this.#podsDir}/${uid}`;
  }

  /** Makes all volumes that containers use; runs again to bring live content up to date. */
  async setUp(pod: Pod): Promise<{ readonly volumes: ReadonlyMap<string, MountedVolume>; readonly failures: readonly VolumeFailure[] }> {
    const volumes = new Map<string, MountedVolume>();
    const failures: VolumeFailure[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      try {
        volumes.set(volume.name, await this.#setUp(pod, volume));
      } catch (error) {
        failures.push({ volume: volume.name, message: error instanceof Error ? error.message : String(error) });
      }
    }
    return { volumes, failures };
  }

  async #setUp(pod: Pod, volume: Volume): Promise<MountedVolume> {
    const type = this.#types.find((candidate) => candidate.supports(volume));
    if (type === undefined) throw new Error("no volume plugin matched");
    const directory = `${this.podDir(pod.metadata.uid ?? "")}/volumes/${type.plugin}/${volume.name}`;
    return type.setUp({ pod, volume, directory }, this.#deps);
  }

  /** Unmounts and removes everything of a pod; no error when there is nothing. */
  async tearDown(uid: string): Promise<void> {
    const podDir = this.podDir(uid);
    const { files, mounts } = this.#deps;
    if ((await files.stat(podDir)) === undefined) return;
    for (const plugin of await files.list(`${podDir}/volumes`)) {
      const type = this.#types.find((candidate) => candidate.plugin === plugin);
      if (type?.tearDown === undefined) continue;
      for (const name of await files.list(`${podDir}/volumes/${plugin}`)) await type.tearDown({ directory: `${podDir}/volumes/${plugin}/${name}`, name, podUid: uid }, this.#deps);
    }
    for (const point of await mounts.below(podDir)) await this.#unmount(point);
    await files.remove(podDir);
  }

  /** What has been unmounted by somebody else in the meantime is unmounted. */
  async #unmount(point: string): Promise<void> {
    const { mounts } = this.#deps;
    try {
      await mounts.unmount(point);
    } catch (error) {
      if ((await mounts.below(point)).includes(point)) throw error;
    }
  }

  /** UIDs of pods that have a folder. */
  async known(): Promise<readonly string[]> {
    return this.#deps.files.list(this.#podsDir);
  }
}
