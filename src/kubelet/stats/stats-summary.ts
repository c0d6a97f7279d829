import type { Pod } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { ContainerStats, FilesystemUsage } from "../../cri/generated/cri-v1.ts";
import type { MachineInfo, MachineUsage } from "../../platform/machine.ts";
import { containerNameLabel, podUidLabel } from "../runtime/runtime-labels.ts";
import { currentContainer, type RuntimePod } from "../runtime/runtime-pod.ts";

/** `/stats/summary` of the kubelet's API. @upstream staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go */
export interface StatsSummary {
  readonly node: {
    readonly nodeName: string;
    readonly startTime?: string;
    readonly cpu: CpuSummary;
    readonly memory: MemorySummary;
    readonly network: { readonly time: string; readonly name: string; readonly rxBytes: number; readonly txBytes: number };
    readonly fs: FsSummary;
    readonly runtime: { readonly imageFs: FsSummary };
    readonly rlimit: { readonly time: string; readonly maxpid: number; readonly curproc: number };
  };
  readonly pods: readonly PodSummary[];
}

export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime?: string;
  readonly containers: readonly ContainerSummary[];
  readonly cpu: CpuSummary;
  readonly memory: MemorySummary;
}

export interface ContainerSummary {
  readonly name: string;
  readonly startTime: string;
  readonly cpu: CpuSummary;
  readonly memory: MemorySummary;
  readonly rootfs?: FsSummary;
}

export interface CpuSummary {
  readonly time: string;
  /** Billionths of a CPU at the moment; absent until there are two samples. */
  readonly usageNanoCores?: number;
  readonly usageCoreNanoSeconds: number;
}

export interface MemorySummary {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes: number;
  readonly workingSetBytes: number;
  readonly rssBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
}

export interface FsSummary {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}

export interface StatsInput {
  readonly nodeName: string;
  readonly nowMs: number;
  readonly pods: readonly Pod[];
  readonly stats: readonly ContainerStats[];
  readonly usage: MachineUsage;
  /** The node's CPU in billionths at the moment. */
  readonly nodeNanoCores: number | undefined;
  readonly machine: MachineInfo | undefined;
  readonly space: { readonly totalBytes: number; readonly availableBytes: number; readonly totalInodes: number; readonly availableInodes: number };
  readonly imageFs: readonly FilesystemUsage[];
  runtimePod(uid: string): RuntimePod | undefined;
}

export function statsSummary(input: StatsInput): StatsSummary {
  const time = rfc3339(input.nowMs);
  const { space, usage } = input;
  const memoryBytes = input.machine?.memoryBytes ?? 0;
  const fs: FsSummary = {
    time,
    availableBytes: space.availableBytes,
    capacityBytes: space.totalBytes,
    usedBytes: space.totalBytes - space.availableBytes,
    inodesFree: space.availableInodes,
    inodes: space.totalInodes,
    inodesUsed: space.totalInodes - space.availableInodes,
  };
  const [imageFs] = input.imageFs;
  const used = Math.max(0, memoryBytes - usage.memoryAvailableBytes);
  return {
    node: {
      nodeName: input.nodeName,
      cpu: { time, ...(input.nodeNanoCores === undefined ? {} : { usageNanoCores: input.nodeNanoCores }), usageCoreNanoSeconds: usage.cpuNanoseconds },
      memory: { time, availableBytes: usage.memoryAvailableBytes, usageBytes: used, workingSetBytes: used },
      network: { time, name: "eth0", rxBytes: usage.networkReceivedBytes, txBytes: usage.networkSentBytes },
      fs,
      runtime: { imageFs: { ...fs, usedBytes: imageFs?.usedBytes?.value ?? 0, ...(imageFs?.inodesUsed?.value === undefined ? {} : { inodesUsed: imageFs.inodesUsed.value }) } },
      rlimit: { time, maxpid: usage.maxProcesses, curproc: usage.processes },
    },
    pods: input.pods.flatMap((pod) => podSummary(pod, input)),
  };
}

function podSummary(pod: Pod, input: StatsInput): readonly PodSummary[] {
  const { name = "", namespace = "", uid = "" } = pod.metadata;
  const runtimePod = input.runtimePod(uid);
  if (runtimePod === undefined) return [];
  const containers = input.stats.filter(({ attributes }) => attributes?.labels?.[podUidLabel] === uid).flatMap((stats) => containerSummary(stats, runtimePod, input.nowMs));
  const time = rfc3339(input.nowMs);
  const add = (of: (container: ContainerSummary) => number): number => containers.reduce((sum, container) => sum + of(container), 0);
  return [
    {
      podRef: { name, namespace, uid },
      ...(pod.status?.startTime === undefined ? {} : { startTime: pod.status.startTime }),
      containers,
      cpu: { time, usageNanoCores: add(({ cpu }) => cpu.usageNanoCores ?? 0), usageCoreNanoSeconds: add(({ cpu }) => cpu.usageCoreNanoSeconds) },
      memory: {
        time,
        usageBytes: add(({ memory }) => memory.usageBytes),
        workingSetBytes: add(({ memory }) => memory.workingSetBytes),
        rssBytes: add(({ memory }) => memory.rssBytes ?? 0),
      },
    },
  ];
}

function containerSummary(stats: ContainerStats, runtimePod: RuntimePod, nowMs: number): readonly ContainerSummary[] {
  const name = stats.attributes?.labels?.[containerNameLabel] ?? "";
  const running = currentContainer(runtimePod, name);
  // Only the instance that runs counts.
  if (running === undefined || running.id !== stats.attributes?.id || running.state !== "running") return [];
  const timeOf = (nanoseconds: number | undefined): string => rfc3339(nanoseconds === undefined || nanoseconds === 0 ? nowMs : nanoseconds / 1e6);
  const { cpu, memory, writableLayer } = stats;
  const workingSetBytes = memory?.workingSetBytes?.value ?? 0;
  return [
    {
      name,
      startTime: rfc3339(running.startedMs),
      cpu: {
        time: timeOf(cpu?.timestamp),
        ...(cpu?.usageNanoCores?.value === undefined ? {} : { usageNanoCores: cpu.usageNanoCores.value }),
        usageCoreNanoSeconds: cpu?.usageCoreNanoSeconds?.value ?? 0,
      },
      memory: {
        time: timeOf(memory?.timestamp),
        usageBytes: memory?.usageBytes?.value ?? workingSetBytes,
        workingSetBytes,
        ...(memory?.rssBytes?.value === undefined ? {} : { rssBytes: memory.rssBytes.value }),
        ...(memory?.pageFaults?.value === undefined ? {} : { pageFaults: memory.pageFaults.value }),
        ...(memory?.majorPageFaults?.value === undefined ? {} : { majorPageFaults: memory.majorPageFaults.value }),
      },
      ...(writableLayer === undefined || writableLayer === null
        ? {}
        : {
            rootfs: {
              time: timeOf(writableLayer.timestamp),
              usedBytes: writableLayer.usedBytes?.value ?? 0,
              ...(writableLayer.inodesUsed?.value === undefined ? {} : { inodesUsed: writableLayer.inodesUsed.value }),
            },
          }),
    },
  ];
}
