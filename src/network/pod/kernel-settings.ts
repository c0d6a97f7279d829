import type { Files } from "../../platform/files.ts";
import type { Processes } from "../../platform/processes.ts";

interface Deps {
  readonly files: Pick<Files, "readIfPresent" | "append">;
  readonly processes: Processes;
}

const decoder = new TextDecoder();

async function setting(path: string, files: Deps["files"]): Promise<string | undefined> {
  const content = await files.readIfPresent(`/proc/sys/${path}`);
  return content === undefined ? undefined : decoder.decode(content).trim();
}

/** Appending is a plain write for these files; replacing them by rename is not possible. */
async function ensure(path: string, value: string, files: Deps["files"]): Promise<boolean> {
  const present = await setting(path, files);
  if (present === undefined) return false;
  if (present !== value) await files.append(`/proc/sys/${path}`, `${value}\n`);
  return true;
}

/**
 * Forwarding on, bridged packets shown to netfilter, reverse-path checks loose. `bridgeFiltered` false means: the kernel
 * has no br_netfilter, so the answers of a pod to a neighbour that called it by a service's address bypass the proxy.
 */
export async function applyKernelSettings({ files, processes }: Deps): Promise<{ readonly bridgeFiltered: boolean }> {
  if (!(await ensure("net/ipv4/ip_forward", "1", files))) throw new Error("the kernel cannot forward IPv4 packets");
  const bridgeCall = "net/bridge/bridge-nf-call-iptables";
  if ((await setting(bridgeCall, files)) === undefined) {
    const modprobe = await processes.find("modprobe", ["/usr/sbin", "/sbin"]);
    if (modprobe !== undefined) await processes.run(modprobe, ["br_netfilter"], { timeoutMs: 10_000 });
  }
  const bridgeFiltered = await ensure(bridgeCall, "1", files);
  // The stricter of "all" and the link's own value counts as the larger number, and 2 is loose.
  const strict = [await setting("net/ipv4/conf/all/rp_filter", files), await setting("net/ipv4/conf/default/rp_filter", files)];
  if (strict.includes("1")) await ensure("net/ipv4/conf/all/rp_filter", "2", files);
  return { bridgeFiltered };
}
