import type { Files } from "../../platform/files.ts";
import type { Processes } from "../../platform/processes.ts";

/** One thing that this machine lacks. */
export interface MissingPart {
  /** `runc`, `CNI plugins`. */
  readonly part: string;
  /** What Debian calls the package that brings it; absent where no package can. */
  readonly debianPackage?: string;
}

/** Containers cannot run here; says all that is missing at once. */
export class MissingHostPart extends Error {
  override readonly name = "MissingHostPart";
  readonly missing: readonly MissingPart[];

  constructor(missing: readonly MissingPart[]) {
    const packages = [...new Set(missing.flatMap((part) => part.debianPackage ?? []))];
    const parts = missing.map(({ part, debianPackage }) => (debianPackage === undefined ? part : `${part} (Debian package ${debianPackage})`));
    super(`this machine lacks ${parts.join(", ")}${packages.length === 0 ? "" : `; try: apt-get install ${packages.join(" ")}`}`);
    this.missing = missing;
  }
}

/** What of the machine a private containerd is built from. Paths are absolute. */
export interface HostParts {
  readonly containerd: string;
  /** Its own words: `containerd github.com/containerd/containerd 1.6.20~ds1 …`. */
  readonly containerdVersion: string;
  readonly ctr: string;
  /** By handler name; the first is the default. crun is offered but never the default. */
  readonly runtimes: readonly { readonly name: string; readonly binary: string }[];
  readonly cniBinDir: string;
  readonly cgroup: "v1" | "v2";
  readonly canLowerOomScore: boolean;
  readonly inUserNamespace: boolean;
}

const sbin = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const cniBinDirs = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
const neededCniPlugins = ["loopback", "bridge", "host-local", "portmap"];
const capSysResource = 24n;

/** Looks at the machine. Throws MissingHostPart. */
export async function detectHostParts(deps: { readonly files: Pick<Files, "readIfPresent" | "list">; readonly processes: Processes; readonly uid: number }): Promise<HostParts> {
  const { files, processes } = deps;
  const readText = async (path: string): Promise<string> => new TextDecoder().decode(await files.readIfPresent(path));
  const missing: MissingPart[] = [];
  const program = async (command: string, debianPackage: string): Promise<string> => {
    const path = await processes.find(command, sbin);
    if (path === undefined) missing.push({ part: command, debianPackage });
    return path ?? "";
  };
  if (deps.uid !== 0) missing.push({ part: "the rights of root" });
  const containerd = await program("containerd", "containerd");
  const ctr = await program("ctr", "containerd");
  await program("containerd-shim-runc-v2", "containerd");
  const runc = await program("runc", "runc");
  await program("mount", "mount");
  const crun = await processes.find("crun", sbin);
  const cniBinDir = await firstWithAll(cniBinDirs, neededCniPlugins, files);
  if (cniBinDir === undefined) missing.push({ part: "CNI plugins", debianPackage: "containernetworking-plugins" });
  const cgroup = cgroupVersion(await readText("/proc/self/mounts"));
  if (cgroup === undefined) missing.push({ part: "a cgroup file system at /sys/fs/cgroup" });
  if (missing.length > 0 || cniBinDir === undefined || cgroup === undefined) throw new MissingHostPart(missing);

  const inUserNamespace = isUserNamespace(await readText("/proc/self/uid_map"));
  const version = await processes.run(containerd, ["--version"], { timeoutMs: 10_000 });
  return {
    containerd,
    containerdVersion: version.stdout.trim(),
    ctr,
    runtimes: [{ name: "runc", binary: runc }, ...(crun === undefined ? [] : [{ name: "crun", binary: crun }])],
    cniBinDir,
    cgroup,
    canLowerOomScore: !inUserNamespace && hasCapability(await readText("/proc/self/status"), capSysResource),
    inUserNamespace,
  };
}

async function firstWithAll(folders: readonly string[], needed: readonly string[], files: Pick<Files, "list">): Promise<string | undefined> {
  for (const folder of folders) {
    const present = new Set(await files.list(folder));
    if (needed.every((name) => present.has(name))) return folder;
  }
  return undefined;
}

/** From the text of `/proc/self/mounts`. Where v1 controllers are mounted beside v2, containers use v1. */
export function cgroupVersion(mounts: string): "v1" | "v2" | undefined {
  const types = mounts.split("\n").map((line) => line.split(" "));
  if (types.some(([, point, type, options]) => type === "cgroup" && point?.startsWith("/sys/fs/cgroup") && options?.split(",").includes("memory"))) return "v1";
  return types.some(([, point, type]) => type === "cgroup2" && point === "/sys/fs/cgroup") ? "v2" : undefined;
}

/** From the text of `/proc/self/status`: whether the capability's bit is effective. */
export function hasCapability(status: string, bit: bigint): boolean {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return digits !== undefined && ((BigInt(`0x${digits}`) >> bit) & 1n) === 1n;
}

/** From the text of `/proc/self/uid_map`; the first namespace maps all ids onto themselves. */
export function isUserNamespace(uidMap: string): boolean {
  const lines = uidMap
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  return lines.length > 0 && !(lines.length === 1 && /^\s*0\s+0\s+4294967295$/.test(lines[0] ?? ""));
}
