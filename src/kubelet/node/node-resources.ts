import type { MachineInfo } from "../../platform/machine.ts";
import { Quantity } from "../../meta/quantity.ts";
import { parseThreshold } from "../eviction/threshold.ts";
import type { KubeletSettings } from "../settings.ts";

export interface NodeResources {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** In the text the server keeps, lest the status seem to differ from what was written. */
const kibibytes = (bytes: number): string => Quantity.of(Math.floor(bytes / 1024) * 1024, "BinarySI").toString();

/** What the node has, and what of it pods may use: less what is reserved and what hard eviction keeps free. @upstream pkg/kubelet/cm/node_container_manager_linux.go */
export function nodeResources(settings: KubeletSettings, machine: MachineInfo, diskBytes: number): NodeResources {
  const { cpuMilli = 0, memoryBytes = 0, ephemeralStorageBytes = 0 } = settings.reserved;
  const kept = (signal: string, capacity: number): number => {
    const text = settings.evictionHard[signal];
    return text === undefined ? 0 : parseThreshold(text).bytesOf(capacity);
  };
  const huge = machine.hugePages.map(({ pageSizeBytes, count }) => [`hugepages-${Quantity.of(pageSizeBytes, "BinarySI").toString()}`, pageSizeBytes * count] as const);
  const hugeBytes = huge.reduce((sum, [, bytes]) => sum + bytes, 0);
  const hugeTexts = Object.fromEntries(huge.map(([name, bytes]) => [name, Quantity.of(bytes, "BinarySI").toString()]));
  return {
    capacity: {
      cpu: String(machine.cpus),
      "ephemeral-storage": kibibytes(diskBytes),
      ...hugeTexts,
      memory: kibibytes(machine.memoryBytes),
      pods: String(settings.maxPods),
    },
    allocatable: {
      cpu: Quantity.ofMilli(Math.max(0, machine.cpus * 1000 - cpuMilli)).toString(),
      "ephemeral-storage": String(Math.max(0, Math.floor(diskBytes - kept("nodefs.available", diskBytes) - ephemeralStorageBytes))),
      ...hugeTexts,
      memory: kibibytes(Math.max(0, machine.memoryBytes - kept("memory.available", machine.memoryBytes) - memoryBytes - hugeBytes)),
      pods: String(settings.maxPods),
    },
  };
}
