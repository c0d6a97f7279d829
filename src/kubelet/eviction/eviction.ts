import type { Pod } from "../../api/generated/types/core-v1.ts";
import { sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { ContainerStats } from "../../cri/generated/cri-v1.ts";
import type { ImageService } from "../../cri/runtime.ts";
import { FileError, type Files } from "../../platform/files.ts";
import type { Machine } from "../../platform/machine.ts";
import { tolerates } from "../admission/admit-pod.ts";
import type { KubeletMetrics } from "../kubelet-metrics.ts";
import { isTerminalPhase } from "../pods/pod-containers.ts";
import { qosClassOf } from "../pods/pod-qos.ts";
import type { PodWorker } from "../pods/pod-worker.ts";
import { errorText } from "../rpc-error-text.ts";
import { containerNameLabel, podUidLabel } from "../runtime/runtime-labels.ts";
import type { KubeletSettings } from "../settings.ts";
import { emptyDir } from "../volumes/empty-dir.ts";
import { evictionMessage } from "./eviction-message.ts";
import { crossedThresholds, pressureOf, resourceOf, type Crossed, type Observation, type PressureType } from "./find-pressure.ts";
import { exceededLimit, limitsLocalStorage } from "./local-storage.ts";
import { isCritical, rankForEviction, type PodUsage } from "./rank-pods.ts";

export interface EvictionDeps {
  readonly machine: Machine;
  readonly files: Files;
  readonly images: Pick<ImageService, "imageFsInfo">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: KubeletMetrics;
  readonly recorder: EventRecorder;
  readonly dataDir: string;
  pods(): readonly PodWorker[];
  stats(): Promise<readonly ContainerStats[]>;
  /** Frees disk without harm to pods; returns the bytes. */
  reclaimImages(): Promise<number>;
  /** The node's conditions are not what they were. */
  changed(): void;
}

export interface Pressures {
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
}

/** A condition stays so long after the last sign of it, lest it flap. */
const transitionMs = 300_000;

/** Ends pods before the node itself runs out of something. @upstream pkg/kubelet/eviction/eviction_manager.go */
export class Eviction {
  readonly #settings: KubeletSettings;
  readonly #deps: EvictionDeps;
  readonly #lastSeenMs = new Map<PressureType, number>();
  readonly #softSinceMs = new Map<string, number>();

  constructor(settings: KubeletSettings, deps: EvictionDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  get pressures(): Pressures {
    const has = (type: PressureType): boolean => this.#lastSeenMs.has(type);
    return { memoryPressure: has("MemoryPressure"), diskPressure: has("DiskPressure"), pidPressure: has("PIDPressure") };
  }

  /** Why a pod is not taken in while the node is short of something. */
  refuses(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
    const present = [...this.#lastSeenMs.keys()];
    if (present.length === 0 || isCritical(pod)) return undefined;
    if (present.length === 1 && present[0] === "MemoryPressure") {
      if (qosClassOf(pod) !== "BestEffort") return undefined;
      const taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" };
      if ((pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint))) return undefined;
    }
    return { reason: "Evicted", message: `The node had condition: [${present.join(" ")}]. ` };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        if (!signal.aborted) this.#deps.log.warn("the node's resources cannot be judged", { error: errorText(error) });
      }
      await sleep(this.#deps.clock, this.#settings.evictionIntervalMs, signal).catch(() => {});
    }
  }

  /** Looks once; evicts at most one pod for the node's sake. */
  async look(): Promise<void> {
    await this.#limitLocalStorage();
    const observations = await this.#observe();
    const crossed = [...crossedThresholds(this.#settings.evictionHard, observations, true), ...this.#softCrossed(observations)];
    this.#note([...crossed, ...crossedThresholds(this.#settings.evictionSoft, observations, false)]);
    const [worst] = crossed;
    if (worst === undefined) return;
    this.#deps.log.warn("the node is short of a resource", { signal: worst.signal, available: worst.observation.available });
    if (pressureOf(worst.signal) === "DiskPressure" && (await this.#deps.reclaimImages()) > 0) {
      const after = await this.#observe();
      if (crossedThresholds(worst.hard ? this.#settings.evictionHard : this.#settings.evictionSoft, after, worst.hard).every(({ signal }) => signal !== worst.signal)) return;
    }
    await this.#evictOne(worst);
  }

  /** Soft thresholds that have been crossed for their whole grace. */
  #softCrossed(observations: Readonly<Record<string, Observation>>): readonly Crossed[] {
    const nowMs = this.#deps.clock.now();
    const crossed = crossedThresholds(this.#settings.evictionSoft, observations, false);
    for (const signal of this.#softSinceMs.keys()) if (!crossed.some((each) => each.signal === signal)) this.#softSinceMs.delete(signal);
    return crossed.filter(({ signal }) => {
      const since = this.#softSinceMs.get(signal) ?? nowMs;
      this.#softSinceMs.set(signal, since);
      return nowMs - since >= (this.#settings.evictionSoftGraceMs[signal] ?? 0);
    });
  }

  #note(crossed: readonly Crossed[]): void {
    const nowMs = this.#deps.clock.now();
    const before = [...this.#lastSeenMs.keys()].join();
    for (const { signal } of crossed) this.#lastSeenMs.set(pressureOf(signal), nowMs);
    for (const [type, seenMs] of this.#lastSeenMs) if (nowMs - seenMs >= transitionMs) this.#lastSeenMs.delete(type);
    if (before !== [...this.#lastSeenMs.keys()].join()) this.#deps.changed();
  }

  async #observe(): Promise<Readonly<Record<string, Observation>>> {
    const { machine, files, images, dataDir } = this.#deps;
    const [info, usage, node, imageFs] = await Promise.all([machine.info(), machine.usage(), files.space(dataDir), images.imageFsInfo().catch(() => [])]);
    const mount = imageFs[0]?.fsId?.mountpoint;
    const image = mount === undefined || mount === "" ? node : await files.space(mount).catch(() => node);
    return {
      "memory.available": { available: usage.memoryAvailableBytes, capacity: info.memoryBytes },
      "nodefs.available": { available: node.availableBytes, capacity: node.totalBytes },
      "nodefs.inodesFree": { available: node.availableInodes, capacity: node.totalInodes },
      "imagefs.available": { available: image.availableBytes, capacity: image.totalBytes },
      "imagefs.inodesFree": { available: image.availableInodes, capacity: image.totalInodes },
      "pid.available": { available: usage.maxProcesses - usage.processes, capacity: usage.maxProcesses },
    };
  }

  #candidates(): readonly PodWorker[] {
    return this.#deps.pods().filter((worker) => !worker.finished && !worker.terminating && !isTerminalPhase(worker.pod.status?.phase));
  }

  async #evictOne(crossed: Crossed): Promise<void> {
    const resource = resourceOf(crossed.signal);
    const byPod = usageByPod(await this.#deps.stats(), resource);
    const usages = this.#candidates().map(({ pod }): PodUsage => ({ pod, used: sum(byPod.get(pod.metadata.uid ?? "")) }));
    const [victim] = rankForEviction(usages, resource);
    if (victim === undefined) return;
    const message = evictionMessage(crossed, victim, byPod.get(victim.pod.metadata.uid ?? "") ?? new Map());
    this.#evict(victim.pod, message, { signal: crossed.signal, graceSeconds: crossed.hard ? 0 : this.#settings.evictionMaxPodGraceSeconds });
  }

  #evict(pod: Pod, message: string, options: { readonly signal: string; readonly graceSeconds: number }): void {
    this.#deps.recorder.event(pod, "Warning", "Evicted", message);
    this.#deps.metrics.evictions.inc([options.signal]);
    const worker = this.#deps.pods().find(({ uid }) => uid === pod.metadata.uid);
    worker?.terminate({ graceSeconds: options.graceSeconds, failure: { reason: "Evicted", message, disruption: "TerminationByKubelet" } });
  }

  async #limitLocalStorage(): Promise<void> {
    const limited = this.#candidates().filter(({ pod }) => limitsLocalStorage(pod));
    if (limited.length === 0) return;
    const layers = usageByPod(await this.#deps.stats(), "ephemeral-storage");
    for (const { pod, uid } of limited) {
      const emptyDirs = new Map<string, number>();
      for (const volume of pod.spec.volumes ?? []) {
        if (emptyDir.supports(volume)) emptyDirs.set(volume.name, await this.#usage(`${this.#deps.dataDir}/pods/${uid}/volumes/${emptyDir.plugin}/${volume.name}`));
      }
      const message = exceededLimit(pod, { emptyDirs, containers: layers.get(uid) ?? new Map() });
      if (message !== undefined) this.#evict(pod, message, { signal: "ephemeralcontainerfs.limit", graceSeconds: 0 });
    }
  }

  async #usage(path: string): Promise<number> {
    try {
      return await this.#deps.files.usage(path);
    } catch (error) {
      if (error instanceof FileError && error.code === "ENOENT") return 0;
      throw error;
    }
  }
}

const sum = (values: ReadonlyMap<string, number> | undefined): number => [...(values?.values() ?? [])].reduce((total, value) => total + value, 0);

function usageByPod(stats: readonly ContainerStats[], resource: string): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const byPod = new Map<string, Map<string, number>>();
  for (const { attributes, memory, writableLayer } of stats) {
    const uid = attributes?.labels?.[podUidLabel] ?? "";
    const containers = byPod.get(uid) ?? new Map<string, number>();
    byPod.set(uid, containers);
    const used =
      resource === "memory"
        ? memory?.workingSetBytes?.value
        : resource === "ephemeral-storage"
          ? writableLayer?.usedBytes?.value
          : resource === "inodes"
            ? writableLayer?.inodesUsed?.value
            : 1;
    containers.set(attributes?.labels?.[containerNameLabel] ?? "", used ?? 0);
  }
  return byPod;
}
