import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { RuntimeService } from "../../cri/runtime.ts";
import type { Files } from "../../platform/files.ts";
import { uidOf } from "../pods/pod-containers.ts";
import { uidOfLogFolder, type PodPaths } from "../pod-paths.ts";
import type { PodCgroups } from "../cgroups/pod-cgroups.ts";
import { errorText } from "../rpc-error-text.ts";
import type { RuntimeCache } from "../runtime/runtime-cache.ts";
import type { RuntimePod } from "../runtime/runtime-pod.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import { podGarbage } from "./container-gc.ts";

export interface CollectorDeps {
  readonly runtime: RuntimeService;
  readonly cache: RuntimeCache;
  readonly files: Files;
  readonly paths: PodPaths;
  readonly podVolumes: PodVolumes;
  readonly cgroups: PodCgroups;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the API has the pod, or it is still being ended here. */
  isKnown(uid: string): boolean;
  /** Ends what runs of a pod that nobody knows. */
  endOrphan(pod: RuntimePod): Promise<void>;
}

/** Takes away what pods leave behind; runs only once the pods of the API are known. */
export class Collector {
  readonly #options: { readonly keepDead: number };
  readonly #deps: CollectorDeps;

  constructor(options: { readonly keepDead: number }, deps: CollectorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Of all pods: dead instances beyond those kept, and everything of pods that are gone. */
  async collect(): Promise<void> {
    for (const pod of this.#deps.cache.pods()) {
      if (this.#deps.isKnown(pod.uid)) await this.collectPod(pod.uid);
      else await this.collectOrphan(pod);
    }
    await this.#collectFolders();
  }

  /** Ends and removes everything of a pod that neither the API nor a worker knows. */
  async collectOrphan(pod: RuntimePod): Promise<void> {
    if (pod.containers.some(({ state }) => state === "running") || pod.sandboxes.some(({ ready }) => ready)) {
      await this.#quietly(() => this.#deps.endOrphan(pod));
      await this.#quietly(async () => void (await this.#deps.cache.refresh(pod.uid)));
    }
    await this.collectPod(pod.uid);
  }

  /** Of a pod that has just gone, with its logs. */
  async forget(pod: Pod): Promise<void> {
    await this.collectPod(uidOf(pod));
    await this.#quietly(() => this.#deps.files.remove(this.#deps.paths.podLogs(pod)));
  }

  async collectPod(uid: string): Promise<void> {
    const { runtime, cache, clock, files } = this.#deps;
    const pod = cache.get(uid);
    if (pod === undefined) return;
    const gone = !this.#deps.isKnown(uid);
    const garbage = podGarbage(pod, { gone, keepDead: this.#options.keepDead, nowMs: clock.now(), minimumAgeMs: 0 });
    if (garbage.containers.length + garbage.sandboxes.length === 0) return;
    for (const { id, logPath } of garbage.containers) {
      await this.#quietly(async () => {
        await runtime.removeContainer(id);
        if (logPath !== "") await files.remove(logPath);
      });
    }
    for (const id of garbage.sandboxes) {
      await this.#quietly(async () => {
        await runtime.stopPodSandbox(id);
        await runtime.removePodSandbox(id);
      });
    }
    await this.#quietly(async () => void (await cache.refresh(uid)));
  }

  async #collectFolders(): Promise<void> {
    const { files, paths, podVolumes, cgroups } = this.#deps;
    const lives = (uid: string): boolean => this.#deps.isKnown(uid) || this.#deps.cache.get(uid) !== undefined;
    for (const uid of await podVolumes.known()) if (!lives(uid)) await this.#quietly(() => podVolumes.tearDown(uid));
    for (const uid of await cgroups.known()) if (!lives(uid)) await this.#quietly(() => cgroups.remove(uid));
    for (const name of await files.list(paths.logs)) {
      const uid = uidOfLogFolder(name);
      if (uid !== undefined && !lives(uid)) await this.#quietly(() => files.remove(`${paths.logs}/${name}`));
    }
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.log.debug("something is not cleaned up yet", { error: errorText(error) });
    }
  }
}
