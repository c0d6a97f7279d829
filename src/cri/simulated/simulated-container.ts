import type { Container, ContainerConfig, ContainerState, ContainerStats, ContainerStatus, Image, LinuxContainerResources } from "../generated/cri-v1.ts";
import type { Behaviour } from "./behaviour.ts";

/** A container on paper. Times are nanoseconds since the epoch, 0 where it has not come to that. */
export interface SimulatedContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly image: Image;
  readonly behaviour: Behaviour;
  readonly createdAt: number;
  readonly logPath: string;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  /** True between the call to start and the running process. */
  starting: boolean;
  resources: LinuxContainerResources | undefined;
  /** Cancels the end by itself. */
  cancelExit: () => void;
  /** Called once when it has ended. */
  readonly onExit: (() => void)[];
  /** PERF: as listed; made again only when the state changes, so that listing allocates nothing. */
  record: Container;
}

export function containerRecord(container: Omit<SimulatedContainer, "record">, state: ContainerState): Container {
  const { id, sandboxId, config, image, createdAt } = container;
  return {
    id,
    podSandboxId: sandboxId,
    metadata: config.metadata,
    image: config.image,
    imageRef: image.id,
    imageId: image.id,
    state,
    createdAt,
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
  };
}

export function containerStatus(container: SimulatedContainer): ContainerStatus {
  const { record, config, image, exitCode } = container;
  const ended = record.state === "CONTAINER_EXITED";
  return {
    id: container.id,
    metadata: config.metadata,
    state: record.state,
    createdAt: container.createdAt,
    startedAt: container.startedAt,
    finishedAt: container.finishedAt,
    exitCode,
    image: { ...config.image, image: image.repoTags?.[0] ?? config.image?.image },
    imageRef: image.repoDigests?.[0] ?? image.id,
    imageId: image.id,
    reason: ended ? (exitCode === 0 ? "Completed" : "Error") : "",
    message: "",
    labels: record.labels,
    annotations: record.annotations,
    mounts: config.mounts ?? [],
    logPath: container.logPath,
    ...(container.resources === undefined ? {} : { resources: { linux: container.resources } }),
  };
}

/** Steady use, as the pod's annotations give it. `now` in nanoseconds. */
export function containerStats({ id, config, behaviour, startedAt, record }: SimulatedContainer, now: number): ContainerStats {
  const seconds = startedAt === 0 ? 0 : (now - startedAt) / 1e9;
  return {
    attributes: { id, metadata: config.metadata, labels: record.labels, annotations: record.annotations },
    cpu: { timestamp: now, usageCoreNanoSeconds: { value: Math.round(seconds * behaviour.cpuCores * 1e9) }, usageNanoCores: { value: Math.round(behaviour.cpuCores * 1e9) } },
    memory: {
      timestamp: now,
      workingSetBytes: { value: behaviour.memoryBytes },
      usageBytes: { value: behaviour.memoryBytes },
      rssBytes: { value: behaviour.memoryBytes },
    },
    writableLayer: { timestamp: now, fsId: { mountpoint: "/var/lib/simulated" }, usedBytes: { value: 4096 }, inodesUsed: { value: 1 } },
  };
}
