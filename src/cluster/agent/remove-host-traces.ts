import { join } from "node:path";
import { type Clock, sleep } from "../../base/clock.ts";
import { removePodNetwork } from "../../network/pod/pod-network.ts";
import { removeProxyRules } from "../../network/proxy/nft.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import type { Processes } from "../../platform/processes.ts";
import { hostNames } from "../instance.ts";

export interface HostTracesOptions {
  readonly dataDir: string;
  readonly instance: string;
}

/** The folders in which the pod network of a cluster keeps its state. */
export const podNetworkFolders = (dataDir: string): { readonly cniConfDir: string; readonly stateDir: string } => ({
  cniConfDir: join(dataDir, "cni", "net.d"),
  stateDir: join(dataDir, "cni"),
});

export interface HostTracesDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly mounts: Mounts;
  readonly clock: Clock;
}

const cgroupRoot = "/sys/fs/cgroup";
/** How often a control group is tried, 50 ms apart: the kernel frees it a moment after its last process has ended. */
const groupTries = 40;

/**
 * Takes away what a node has put on the machine around its containers: volumes' mounts, rules, links, control groups.
 * Containers must have ended. What is not there is no error, so that it can follow a start that failed halfway.
 */
export async function removeHostTraces({ dataDir, instance }: HostTracesOptions, { files, processes, mounts, clock }: HostTracesDeps): Promise<void> {
  const { bridge, table, dnsLink, podsCgroup } = hostNames(instance);
  for (const point of await mounts.below(join(dataDir, "kubelet"))) await mounts.unmount(point);
  await removeProxyRules(table, { processes });
  await removePodNetwork({ ...podNetworkFolders(dataDir), bridge }, { files, processes });
  await processes.run("ip", ["link", "delete", "dev", dnsLink]);
  // Version 2 has one tree, version 1 one for each controller; a runtime makes groups in all of them.
  for (const name of ["", ...(await files.list(cgroupRoot))]) await removeGroups(join(cgroupRoot, name, podsCgroup), { files, clock });
}

async function removeGroups(folder: string, deps: Pick<HostTracesDeps, "files" | "clock">): Promise<void> {
  const { files, clock } = deps;
  if ((await files.stat(folder))?.type !== "directory") return;
  for (const name of await files.list(folder)) await removeGroups(join(folder, name), deps);
  for (let left = groupTries; ; left -= 1) {
    try {
      await files.removeEmptyFolder(folder);
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(clock, 50);
    }
  }
}
