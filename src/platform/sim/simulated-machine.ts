import type { Machine, MachineInfo, MachineUsage } from "../machine.ts";

const gibibyte = 1024 ** 3;

/** A machine of given size that is a quarter busy. */
export function simulatedMachine(given: Partial<MachineInfo> & { readonly hostname: string }): Machine & { usageNow: Partial<MachineUsage> } {
  const info: MachineInfo = {
    operatingSystem: "linux",
    architecture: "amd64",
    kernelVersion: "6.0.0-simulated",
    osImage: "Keles simulated node",
    machineId: given.hostname,
    systemUuid: given.hostname,
    bootId: given.hostname,
    cpus: 8,
    memoryBytes: 32 * gibibyte,
    swapBytes: 0,
    cgroupVersion: 2,
    hugePages: [],
    ...given,
  };
  const machine = {
    /** Told instead of the numbers below, for tests that want a shortage. */
    usageNow: {} as Partial<MachineUsage>,
    async info() {
      return info;
    },
    async usage() {
      return {
        memoryAvailableBytes: info.memoryBytes * 0.75,
        cpuNanoseconds: 0,
        processes: 100,
        maxProcesses: 32_768,
        networkReceivedBytes: 0,
        networkSentBytes: 0,
        ...machine.usageNow,
      };
    },
  };
  return machine;
}
