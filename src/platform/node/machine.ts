import { readdir, readFile } from "node:fs/promises";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import type { Machine, MachineInfo, MachineUsage } from "../machine.ts";

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm", ppc64: "ppc64le", s390x: "s390x", riscv64: "riscv64" };

/** Kernel ticks per second, as Linux has them on all architectures. */
const ticksPerSecond = 100;

/** This machine, by what Linux tells in /proc and /sys; what is missing is left empty or zero. */
export const nodeMachine: Machine = {
  async info(): Promise<MachineInfo> {
    const [osRelease, machineId, dbusId, bootId, productUuid, memory, cgroup2, hugePages] = await Promise.all([
      text("/etc/os-release"),
      text("/etc/machine-id"),
      text("/var/lib/dbus/machine-id"),
      text("/proc/sys/kernel/random/boot_id"),
      text("/sys/class/dmi/id/product_uuid"),
      memoryInfo(),
      text("/sys/fs/cgroup/cgroup.controllers"),
      hugePagesOf(),
    ]);
    const id = machineId === "" ? dbusId : machineId;
    return {
      hostname: hostname(),
      operatingSystem: process.platform,
      architecture: goArchitectures[arch()] ?? arch(),
      kernelVersion: release(),
      osImage: prettyName(osRelease),
      machineId: id,
      systemUuid: productUuid === "" ? id : productUuid,
      bootId,
      cpus: cpus().length,
      memoryBytes: memory.get("MemTotal") ?? totalmem(),
      swapBytes: memory.get("SwapTotal") ?? 0,
      cgroupVersion: cgroup2 === "" ? 1 : 2,
      hugePages,
    };
  },

  async usage(): Promise<MachineUsage> {
    const [memory, stat, processes, pidMax, threadsMax, network] = await Promise.all([
      memoryInfo(),
      text("/proc/stat"),
      text("/proc/loadavg"),
      text("/proc/sys/kernel/pid_max"),
      text("/proc/sys/kernel/threads-max"),
      text("/proc/net/dev"),
    ]);
    const traffic = networkBytes(network);
    return {
      memoryAvailableBytes: memory.get("MemAvailable") ?? 0,
      cpuNanoseconds: busyNanoseconds(stat),
      // `0.10 0.20 0.30 2/345 6789`: the fourth word's second half counts what exists.
      processes: Number(processes.split(" ")[3]?.split("/")[1] ?? 0),
      maxProcesses: Math.min(Number(pidMax) || Number.POSITIVE_INFINITY, Number(threadsMax) || 4_194_304),
      networkReceivedBytes: traffic.received,
      networkSentBytes: traffic.sent,
    };
  },
};

async function text(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return "";
  }
}

/** `/proc/meminfo` in bytes. */
async function memoryInfo(): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const match of (await text("/proc/meminfo")).matchAll(/^(\S+):\s+(\d+) kB$/gm)) found.set(match[1] ?? "", Number(match[2]) * 1024);
  return found;
}

function prettyName(osRelease: string): string {
  const match = /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease);
  return match?.[1] ?? process.platform;
}

/** All but idle and waiting for disks, over all CPUs. */
function busyNanoseconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? "").split(/\s+/).map(Number);
  return ((user + nice + system + irq + softirq + steal) / ticksPerSecond) * 1e9;
}

/** Of all interfaces but the loopback and the pods' own ends. */
function networkBytes(dev: string): { readonly received: number; readonly sent: number } {
  let received = 0;
  let sent = 0;
  for (const match of dev.matchAll(/^\s*(\S+):\s*(.*)$/gm)) {
    const [name = "", numbers = ""] = match.slice(1);
    if (name === "lo" || /^(veth|cni|docker|br-)/.test(name)) continue;
    const columns = numbers.trim().split(/\s+/).map(Number);
    received += columns[0] ?? 0;
    sent += columns[8] ?? 0;
  }
  return { received, sent };
}

async function hugePagesOf(): Promise<MachineInfo["hugePages"]> {
  const root = "/sys/kernel/mm/hugepages";
  const names = await readdir(root).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const kilobytes = /^hugepages-(\d+)kB$/.exec(name)?.[1];
      return { pageSizeBytes: Number(kilobytes ?? 0) * 1024, count: Number(await text(`${root}/${name}/nr_hugepages`)) };
    }),
  );
  return sizes.filter(({ pageSizeBytes }) => pageSizeBytes > 0).sort((a, b) => a.pageSizeBytes - b.pageSizeBytes);
}
