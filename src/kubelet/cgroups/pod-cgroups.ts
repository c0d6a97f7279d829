import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Logger } from "../../base/log.ts";
import type { Files } from "../../platform/files.ts";
import { errorText } from "../rpc-error-text.ts";
import { cpuWeight, podCgroup, podCgroupSettings, type CgroupSettings } from "./pod-cgroup-settings.ts";

export interface PodCgroupsOptions {
  /** `/sys/fs/cgroup`; absent: the runtime alone makes what it needs. */
  readonly root: string | undefined;
  /** `/kubepods` */
  readonly pods: string;
  readonly version: 1 | 2;
  /** Of the machine. */
  readonly cpus: number;
}

const period = 100_000;
const v1Controllers: readonly string[] = ["cpu", "cpuacct", "memory", "pids", "blkio", "devices", "freezer", "cpuset", "hugetlb", "systemd"];

/** The control groups above containers: one per pod, inside one per QoS class. @upstream pkg/kubelet/cm */
export class PodCgroups {
  readonly #options: PodCgroupsOptions;
  readonly #files: Files;
  readonly #log: Logger;
  readonly #made = new Map<string, { readonly path: string; readonly settings: string; readonly shares: number }>();
  #parents: Promise<void> | undefined;

  constructor(options: PodCgroupsOptions, deps: { readonly files: Files; readonly log: Logger }) {
    this.#options = options;
    this.#files = deps.files;
    this.#log = deps.log;
  }

  /** Makes the pod's group with its limits; returns its path inside the hierarchy. */
  async ensure(pod: Pod): Promise<string> {
    const path = podCgroup(pod, this.#options.pods);
    if (this.#options.root === undefined) return path;
    const uid = pod.metadata.uid ?? "";
    const wanted = podCgroupSettings(pod);
    const settings = JSON.stringify(wanted);
    if (this.#made.get(uid)?.settings === settings) return path;
    this.#parents ??= this.#makeParents();
    await this.#parents;
    await this.#make(path);
    await this.#apply(path, wanted);
    this.#made.set(uid, { path, settings, shares: wanted.cpuShares });
    await this.#weighBurstable();
    return path;
  }

  /** Removes the pod's group, wherever its class put it; what is still in use stays for the next time. */
  async remove(uid: string): Promise<void> {
    const known = this.#made.delete(uid);
    const { pods, root } = this.#options;
    if (root === undefined) return;
    for (const path of [`${pods}/pod${uid}`, `${pods}/burstable/pod${uid}`, `${pods}/besteffort/pod${uid}`]) {
      for (const folder of this.#folders(path)) await this.#removeTree(folder);
    }
    if (known) await this.#weighBurstable();
  }

  /** UIDs of pods that have a group. */
  async known(): Promise<readonly string[]> {
    const { pods } = this.#options;
    const uids = new Set<string>();
    for (const parent of [pods, `${pods}/burstable`, `${pods}/besteffort`]) {
      for (const folder of this.#folders(parent)) for (const name of await this.#files.list(folder)) if (name.startsWith("pod")) uids.add(name.slice(3));
    }
    return [...uids];
  }

  /** All burstable pods together weigh what they ask for. */
  async #weighBurstable(): Promise<void> {
    const group = `${this.#options.pods}/burstable`;
    let shares = 0;
    for (const made of this.#made.values()) if (made.path.startsWith(`${group}/`)) shares += made.shares;
    await this.#set("cpu", group, { cpuShares: Math.max(2, shares) });
  }

  #folders(path: string): readonly string[] {
    const { root, version } = this.#options;
    if (root === undefined) return [];
    return version === 2 ? [root + path] : v1Controllers.map((controller) => `${root}/${controller}${path}`);
  }

  async #makeParents(): Promise<void> {
    const { pods } = this.#options;
    for (const path of [pods, `${pods}/burstable`, `${pods}/besteffort`]) await this.#make(path);
    await this.#set("cpu", pods, { cpuShares: this.#options.cpus * 1024 });
    await this.#set("cpu", `${pods}/besteffort`, { cpuShares: 2 });
  }

  async #make(path: string): Promise<void> {
    const { root, version } = this.#options;
    if (root === undefined) return;
    if (version === 1) {
      for (const controller of v1Controllers) {
        if ((await this.#files.stat(`${root}/${controller}`)) === undefined) continue;
        await this.#files.mkdir(`${root}/${controller}${path}`);
        if (controller === "cpuset") await this.#inheritCpuset(`${root}/${controller}`, path);
      }
      return;
    }
    // Controllers reach a group only when all above it pass them on.
    let at = root;
    for (const part of path.split("/").filter((name) => name !== "")) {
      for (const controller of ["cpu", "memory", "pids", "cpuset", "io", "hugetlb"]) await this.#write(`${at}/cgroup.subtree_control`, `+${controller}`);
      at += `/${part}`;
      await this.#files.mkdir(at);
    }
  }

  /** A v1 cpuset takes no processes until it names CPUs and memory nodes. */
  async #inheritCpuset(controllerRoot: string, path: string): Promise<void> {
    const parts = path.split("/").filter((name) => name !== "");
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const parent = [controllerRoot, ...parts.slice(0, depth - 1)].join("/");
      const own = `${parent}/${parts[depth - 1]}`;
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const present = new TextDecoder().decode((await this.#files.readIfPresent(`${own}/${file}`)) ?? new Uint8Array()).trim();
        const given = new TextDecoder().decode((await this.#files.readIfPresent(`${parent}/${file}`)) ?? new Uint8Array()).trim();
        if (present === "" && given !== "") await this.#write(`${own}/${file}`, given);
      }
    }
  }

  async #apply(path: string, settings: CgroupSettings): Promise<void> {
    await this.#set("cpu", path, settings);
    await this.#set("memory", path, settings);
  }

  async #set(controller: "cpu" | "memory", path: string, settings: CgroupSettings): Promise<void> {
    const { root, version } = this.#options;
    if (root === undefined) return;
    const folder = version === 2 ? root + path : `${root}/${controller}${path}`;
    if (controller === "memory") {
      if (version === 2) await this.#write(`${folder}/memory.max`, settings.memoryBytes === undefined ? "max" : String(settings.memoryBytes));
      else await this.#write(`${folder}/memory.limit_in_bytes`, String(settings.memoryBytes ?? -1));
      return;
    }
    if (version === 2) {
      await this.#write(`${folder}/cpu.weight`, String(cpuWeight(settings.cpuShares)));
      await this.#write(`${folder}/cpu.max`, `${settings.cpuQuota ?? "max"} ${period}`);
      return;
    }
    await this.#write(`${folder}/cpu.shares`, String(settings.cpuShares));
    await this.#write(`${folder}/cpu.cfs_quota_us`, String(settings.cpuQuota ?? -1));
  }

  /** A controller that a machine lacks is no reason not to run pods. */
  async #write(path: string, content: string): Promise<void> {
    try {
      if ((await this.#files.stat(path)) !== undefined) await this.#files.append(path, content);
    } catch (error) {
      this.#log.debug("a control group's file is not written", { path, error: errorText(error) });
    }
  }

  async #removeTree(folder: string): Promise<void> {
    if ((await this.#files.stat(folder)) === undefined) return;
    for (const name of await this.#files.list(folder)) if ((await this.#files.stat(`${folder}/${name}`))?.type === "directory") await this.#removeTree(`${folder}/${name}`);
    try {
      await this.#files.removeEmptyFolder(folder);
    } catch (error) {
      this.#log.debug("a control group is not removed", { path: folder, error: errorText(error) });
    }
  }
}
