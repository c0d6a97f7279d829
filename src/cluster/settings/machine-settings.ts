import { homedir, hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseIp } from "../../meta/ip.ts";
import { dnsSubdomainErrors } from "../../meta/text-rules.ts";
import { UserError } from "../user-error.ts";
import { flag, number, type SettingGroup, text } from "./setting-group.ts";
import { oneOf } from "./one-of.ts";

/** Where the cluster lives, and its nodes. */
export interface MachineSettings {
  readonly dataDir: string;
  readonly runtime: "auto" | "containerd" | "simulated";
  readonly nodes: number;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly kubeletPort: number;
  /** `docker.io=http://127.0.0.1:5000`, several with commas. */
  readonly registryMirror: string;
  readonly kubeconfig: string;
  readonly writeKubeconfig: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

export const machineSettings: SettingGroup<MachineSettings> = {
  settings: {
    dataDir: text("DIR", "where the cluster lives", () => (isRoot() ? "/var/lib/keles" : join(homedir(), ".keles"))),
    runtime: text("RUNTIME", "auto, containerd or simulated", () => "auto"),
    nodes: number("N", "how many nodes; more than one only simulated", 1),
    nodeName: text("NAME", "name of this node (default the host's name)", () => hostname().toLowerCase()),
    nodeIp: text("ADDRESS", "address of this node (default the machine's first)", primaryAddress),
    kubeletPort: number("PORT", "port of the node agent", 10_250),
    registryMirror: text("HOST=URL", "pull images of a registry from a mirror: docker.io=http://127.0.0.1:5000"),
    kubeconfig: text("FILE", "where the admin kubeconfig goes (default <data-dir>/kubeconfig)"),
    writeKubeconfig: flag("also make this cluster the current context of ~/.kube/config"),
    logLevel: text("LEVEL", "debug, info, warn or error", () => "warn"),
  },
  check(settings) {
    oneOf(settings, "runtime", ["auto", "containerd", "simulated"]);
    oneOf(settings, "logLevel", ["debug", "info", "warn", "error"]);
    if (settings.nodes < 1 || settings.nodes > 10_000) throw new UserError("--nodes must be between 1 and 10000");
    if (settings.nodes > 1 && settings.runtime === "containerd")
      throw new UserError("several nodes on one machine are only simulated", "use --runtime simulated, or leave --nodes out");
    if (parseIp(settings.nodeIp) === undefined) throw new UserError(`--node-ip must be an IP address, not ${JSON.stringify(settings.nodeIp)}`);
    const [problem] = dnsSubdomainErrors(settings.nodeName);
    if (problem !== undefined) throw new UserError(`--node-name: ${problem}`);
    if (settings.kubeletPort < 1 || settings.kubeletPort > 65_535) throw new UserError("--kubelet-port must be between 1 and 65535");
    parseMirrors(settings.registryMirror);
  },
};

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The address that the machine's own network knows it by; loopback when it has none. */
function primaryAddress(): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (/^(lo|docker|cni|veth|virbr|keles|kl-|flannel|br-)/.test(name)) continue;
    const found = addresses?.find(({ family, internal }) => family === "IPv4" && !internal);
    if (found !== undefined) return found.address;
  }
  return "127.0.0.1";
}

/** `docker.io=http://127.0.0.1:5000` to its map. */
export function parseMirrors(mirrorText: string): Readonly<Record<string, readonly string[]>> {
  const mirrors: Record<string, string[]> = {};
  for (const part of mirrorText.split(",").filter((item) => item !== "")) {
    const equals = part.indexOf("=");
    const url = part.slice(equals + 1);
    if (equals < 1 || !/^https?:\/\//.test(url))
      throw new UserError(`--registry-mirror must read HOST=URL, not ${JSON.stringify(part)}`, "for example docker.io=http://127.0.0.1:5000");
    const host = part.slice(0, equals);
    mirrors[host] = [...(mirrors[host] ?? []), url];
  }
  return mirrors;
}
