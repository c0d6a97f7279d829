import { parseCidr } from "../../meta/ip.ts";
import type { Files } from "../../platform/files.ts";
import type { Processes } from "../../platform/processes.ts";
import { cniConfig } from "./cni-config.ts";
import { allowForwarding, disallowForwarding } from "./forward-policy.ts";
import { applyKernelSettings } from "./kernel-settings.ts";

export interface PodNetworkPlace {
  /** The folder containerd reads: `/etc/cni/net.d` or a private one. */
  readonly cniConfDir: string;
  /** Holds the address leases, in `leases/<bridge>`. */
  readonly stateDir: string;
  /** Link name of the bridge, at most 15 characters. */
  readonly bridge: string;
}

export interface PodNetworkOptions extends PodNetworkPlace {
  /** This node's range, `10.244.1.0/24`. */
  readonly podCidr: string;
  /** Bytes. */
  readonly mtu?: number | undefined;
}

export interface PodNetworkDeps {
  readonly files: Pick<Files, "readIfPresent" | "append" | "write" | "mkdir" | "remove">;
  readonly processes: Processes;
}

export interface PreparedPodNetwork {
  /** Whether the configuration was written now (false: it stood already). */
  readonly changed: boolean;
  /** Whether packets between pods of one bridge pass netfilter; see applyKernelSettings. */
  readonly bridgeFiltered: boolean;
  /** Whether iptables had to be told to let the bridge's packets pass. */
  readonly forwardingAllowed: boolean;
}

/** Folders in which the CNI plugins are looked for. */
export const cniPluginDirs: readonly string[] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
const neededPlugins = ["bridge", "host-local", "loopback", "portmap"] as const;

/** The first folder that holds every plugin the pod network needs; undefined when there is none. */
export async function findCniPlugins({ processes }: { readonly processes: Processes }): Promise<string | undefined> {
  for (const folder of cniPluginDirs) {
    const found = await Promise.all(neededPlugins.map((plugin) => processes.find(`${folder}/${plugin}`)));
    if (found.every((path) => path !== undefined)) return folder;
  }
  return undefined;
}

export const cniConfigPath = ({ cniConfDir, bridge }: Pick<PodNetworkPlace, "cniConfDir" | "bridge">): string => `${cniConfDir}/10-${bridge}.conflist`;
const leasesDir = ({ stateDir }: Pick<PodNetworkPlace, "stateDir">): string => `${stateDir}/leases`;

/** Makes the host ready to carry this node's pods. Can run again at any time; writes only what differs. */
export async function preparePodNetwork(options: PodNetworkOptions, deps: PodNetworkDeps): Promise<PreparedPodNetwork> {
  checkLinkName(options.bridge);
  if (parseCidr(options.podCidr)?.address.family !== 4) throw new Error(`the pod range ${options.podCidr} is no IPv4 range`);
  const { bridgeFiltered } = await applyKernelSettings(deps);
  const forwardingAllowed = await allowForwarding(options.bridge, deps);
  const { bridge, podCidr, mtu } = options;
  const wanted = cniConfig({ bridge, podCidr, mtu, leasesDir: leasesDir(options) });
  const path = cniConfigPath(options);
  const present = await deps.files.readIfPresent(path);
  const changed = present === undefined || new TextDecoder().decode(present) !== wanted;
  if (changed) {
    await deps.files.mkdir(leasesDir(options));
    await deps.files.mkdir(options.cniConfDir);
    await deps.files.write(path, wanted);
  }
  return { changed, bridgeFiltered, forwardingAllowed };
}

/** Takes the bridge, its leases and its configuration away again. Kernel settings stay: others may rely on them by now. */
export async function removePodNetwork(place: PodNetworkPlace, deps: PodNetworkDeps): Promise<void> {
  checkLinkName(place.bridge);
  await deps.files.remove(cniConfigPath(place));
  await deps.files.remove(`${leasesDir(place)}/${place.bridge}`);
  await disallowForwarding(place.bridge, deps);
  const shown = await deps.processes.run("ip", ["-o", "link", "show", "dev", place.bridge, "type", "bridge"]);
  if (shown.code !== 0 || shown.stdout.trim() === "") return;
  const { code, stderr } = await deps.processes.run("ip", ["link", "delete", "dev", place.bridge]);
  if (code !== 0) throw new Error(`the bridge ${place.bridge} cannot be removed: ${stderr.trim()}`);
}

function checkLinkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) throw new Error(`${name} cannot be a link's name (at most 15 letters, digits and -_.)`);
}
