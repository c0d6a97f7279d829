import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Files } from "../../platform/files.ts";
import type { Mounts } from "../../platform/mounts.ts";
import type { Processes } from "../../platform/processes.ts";
import { boundLog, logTail } from "./bounded-log.ts";
import { connectRuntime } from "./connect-runtime.ts";
import { containerdConfig } from "./containerd-config.ts";
import { detectHostParts, type HostParts } from "./host-parts.ts";
import { endProcess, type HostProcess, isAlive, listProcesses, readProcess } from "./host-process.ts";
import { removeAllPods, removeRemains } from "./private-teardown.ts";
import { type RegistryMirrors, writeRegistryHosts } from "./registry-hosts.ts";
import { chooseSnapshotter, type Snapshotter } from "./snapshotter.ts";

export interface PrivateContainerdOptions {
  /** Keles's data folder; containerd's own stands at `<dataDir>/containerd`. */
  readonly dataDir: string;
  /** Sockets and mounts that do not outlive a reboot; `/run/keles` when left out. */
  readonly runDir?: string;
  readonly mirrors?: RegistryMirrors;
  /** `keles.dev/pause:1` when left out. */
  readonly sandboxImage?: string;
  readonly maxContainerLogLineBytes?: number;
  /** 60 s when left out. */
  readonly startTimeoutMs?: number;
}

export interface PrivateContainerdDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly mounts: Mounts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A containerd of Keles's own. It outlives Keles; the next start takes it over. */
export interface PrivateContainerd {
  /** Path of the unix socket; the same after every restart. */
  readonly socket: string;
  readonly host: HostParts;
  readonly snapshotter: Snapshotter;
  /** Where the pod network's configuration is read from. */
  readonly cniConfDir: string;
  /** Ran already, with the same configuration. */
  readonly adopted: boolean;
  pid(): number;
  /** Starts it again when it ends, and keeps its log within bounds. Resolves on abort and leaves it running. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends it. Pods are stopped and removed before, and every mount taken away, unless they are to be kept. */
  stop(options?: { readonly keepPods?: boolean }): Promise<void>;
}

const logLimitBytes = 16 * 2 ** 20;
const superviseMs = 1_000;
const endGraceMs = 10_000;

/** Starts containerd below `dataDir`, or takes over the one that runs there. Throws MissingHostPart. */
export async function startPrivateContainerd(options: PrivateContainerdOptions, deps: PrivateContainerdDeps): Promise<PrivateContainerd> {
  const { files, clock, logger } = deps;
  const host = await detectHostParts({ files, processes: deps.processes, uid: process.getuid?.() ?? -1 });
  const baseDir = `${options.dataDir}/containerd`;
  // Unix sockets allow 107 bytes of path, so that the data folder's path is told by a short hash of it.
  const stateDir = `${options.runDir ?? "/run/keles"}/${createHash("sha256").update(options.dataDir).digest("hex").slice(0, 10)}`;
  const rootDir = `${baseDir}/root`;
  const socket = `${stateDir}/containerd.sock`;
  const cniConfDir = `${options.dataDir}/cni/net.d`;
  const registryHostsDir = `${options.dataDir}/registry/hosts.d`;
  for (const folder of [rootDir, stateDir]) await files.mkdir(folder, { mode: 0o711 });
  await files.mkdir(cniConfDir);
  await writeRegistryHosts(registryHostsDir, options.mirrors ?? {}, files);
  const snapshotter = await chooseSnapshotter(rootDir, deps);
  const config = containerdConfig({
    comment: [host.containerd, host.containerdVersion],
    rootDir,
    stateDir,
    socket,
    sandboxImage: options.sandboxImage ?? "keles.dev/pause:1",
    snapshotter,
    runtimes: host.runtimes,
    cniBinDir: host.cniBinDir,
    cniConfDir,
    registryHostsDir,
    canLowerOomScore: host.canLowerOomScore,
    inUserNamespace: host.inUserNamespace,
    maxContainerLogLineBytes: options.maxContainerLogLineBytes ?? 16_384,
  });
  // The configuration's hash stands in the daemon's arguments: that is how the next start knows it.
  const configPath = `${baseDir}/config-${createHash("sha256").update(config).digest("hex").slice(0, 12)}.toml`;
  const logPath = `${baseDir}/containerd.log`;

  const launch = async (): Promise<HostProcess> => {
    await boundLog(logPath, logLimitBytes);
    const daemon = await spawnDaemon(host.containerd, ["--config", configPath], logPath);
    const failure = await untilAnswers(socket, daemon, options.startTimeoutMs ?? 60_000, clock);
    if (failure === undefined) return daemon;
    await endProcess(daemon, endGraceMs, clock);
    throw new Error(`containerd did not start: ${failure}\n${await logTail(logPath)}`);
  };

  /** The daemon that runs with this very configuration and answers; any other of this folder is ended. */
  const takeOver = async (): Promise<HostProcess | undefined> => {
    let same: HostProcess | undefined;
    for (const daemon of await daemonsOf(baseDir)) {
      if (same === undefined && daemon.args.includes(configPath) && (await untilAnswers(socket, daemon, 2_000, clock)) === undefined) same = daemon;
      else await endProcess(daemon, endGraceMs, clock);
    }
    return same;
  };
  const takeOverOrLaunch = async (): Promise<HostProcess> => (await takeOver()) ?? launch();

  const adopted = await takeOver();
  if (adopted === undefined) {
    for (const name of await files.list(baseDir)) if (name.startsWith("config-")) await files.remove(`${baseDir}/${name}`);
    await files.write(configPath, config, { mode: 0o600 });
  }
  let current = adopted ?? (await launch());
  const stopping = new AbortController();
  let relaunch: Promise<void> = Promise.resolve();
  logger.info("containerd is running", { pid: current.pid, socket, snapshotter, cgroup: host.cgroup, adopted: adopted !== undefined });

  return {
    socket,
    host,
    snapshotter,
    cniConfDir,
    adopted: adopted !== undefined,
    pid: () => current.pid,
    async run(signal) {
      const ended = AbortSignal.any([signal, stopping.signal]);
      for (;;) {
        await sleep(clock, superviseMs, ended).catch(() => {});
        if (ended.aborted) return;
        await boundLog(logPath, logLimitBytes);
        if (await isAlive(current)) continue;
        logger.error("containerd ended, starting it again", { pid: current.pid });
        relaunch = takeOverOrLaunch().then(
          (started) => {
            current = started;
          },
          (error: unknown) => logger.error("containerd could not be started again", { error }),
        );
        await relaunch;
      }
    },
    async stop({ keepPods = false } = {}) {
      stopping.abort();
      await relaunch;
      if (!keepPods) {
        // A daemon that died is started once more, since only it can take pods out of their network.
        await takeOverOrLaunch().catch((error: unknown) => logger.warn("containerd could not be started to remove its pods", { error }));
        await removeAllPods(socket, logger);
      }
      // Not `current` alone: another start may have replaced it.
      for (const daemon of await daemonsOf(baseDir)) await endProcess(daemon, endGraceMs, clock);
      if (keepPods) return;
      await removeRemains({ rootDir, stateDir, socket }, deps);
    },
  };
}

/** Containerds that were started with a configuration of this folder, also by a Keles that is gone. */
async function daemonsOf(baseDir: string): Promise<readonly HostProcess[]> {
  const all = await listProcesses();
  return all.filter(({ args }) => args[0]?.endsWith("containerd") === true && args[1] === "--config" && args[2]?.startsWith(`${baseDir}/config-`) === true);
}

async function spawnDaemon(binary: string, args: readonly string[], logPath: string): Promise<HostProcess> {
  const log = await open(logPath, "a", 0o600);
  try {
    // A session of its own: what ends Keles, its terminal among it, does not end the containers.
    const child = spawn(binary, [...args], { detached: true, cwd: "/", stdio: ["ignore", log.fd, log.fd], env: daemonEnvironment() });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    const found = await readProcess(child.pid ?? -1);
    if (found === undefined) throw new Error(`${binary} ended at once: ${await logTail(logPath)}`);
    return found;
  } finally {
    await log.close();
  }
}

function daemonEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_") && !name.startsWith("KELES_") && name !== "NOTIFY_SOCKET");
  const folders = new Set([...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]);
  folders.delete("");
  return { ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""])), PATH: [...folders].join(":") };
}

/** Undefined as soon as the CRI plugin answers, otherwise why it does not. */
async function untilAnswers(socket: string, daemon: HostProcess, limitMs: number, clock: Clock): Promise<string | undefined> {
  const end = clock.now() + limitMs;
  const connection = connectRuntime({ socket, connectTimeoutMs: 100 });
  let reason = "no answer";
  try {
    while (clock.now() < end) {
      if (!(await isAlive(daemon))) return "it ended";
      try {
        await connection.runtime.version();
        return undefined;
      } catch (error) {
        reason = (error as Error).message;
      }
      await sleep(clock, 10);
    }
    return reason;
  } finally {
    connection.close();
  }
}
