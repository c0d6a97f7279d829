import { fork, type ChildProcess } from "node:child_process";
import { setMaxListeners } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { orAbort } from "../base/abort.ts";
import { makeKubeconfig } from "../client/kubeconfig.ts";
import { parseCidr } from "../meta/ip.ts";
import { toYaml } from "../meta/yaml-codec.ts";
import { systemClock } from "../platform/node/clock.ts";
import { pinoLogger } from "../platform/node/logger.ts";
import { systemRandom } from "../platform/node/random.ts";
import { StoreCorruptedError, StoreInUseError } from "../store/lmdb/errors.ts";
import type { ClusterConfig, ContainerdPlace, FromAgent, HostConfig, ToAgent } from "./agent/agent-protocol.ts";
import { addressIn, ControlPlane } from "./control-plane.ts";
import { ensureService } from "./ensure-service.ts";
import { checkIdentity } from "./identity/check-identity.ts";
import { instanceOf } from "./instance.ts";
import type { Settings } from "./settings.ts";
import { letNodesRenew } from "./let-nodes-renew.ts";
import { isRoot, parseMirrors } from "./settings/machine-settings.ts";
import { storePlace } from "./settings/store-settings.ts";
import { UserError } from "./user-error.ts";
import { gitVersion } from "./version.ts";
import { useContext } from "./write-kubeconfig.ts";

export interface UpDeps {
  /** Told of every stage that is through. */
  stage(name: string): void;
  warn(text: string): void;
}

/** A cluster that runs: control plane in this process, node agent in a child. */
export interface RunningCluster {
  readonly kubeconfig: string;
  readonly url: string;
  readonly runtime: "containerd" | "simulated";
  /** Resolves with what went wrong; never otherwise. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** What `keles status` and `keles down` read: who runs here. */
export interface RunFile {
  readonly pid: number;
  readonly url: string;
  readonly kubeconfig: string;
  readonly runtime: string;
  readonly containerd?: ContainerdPlace | undefined;
}

export const runFilePath = (dataDir: string): string => join(dataDir, "run.json");

/** How long a node may take to end its pods. */
const STOP_MS = 60_000;

export interface UpOptions {
  /** Aborts a start that is under way; a running cluster is ended by its `stop`. */
  readonly signal?: AbortSignal;
  /** false: the control plane alone, nodes join from elsewhere. */
  readonly agent?: boolean;
}

/** Brings a cluster up, or says in one line why not. */
export async function up(settings: Settings, deps: UpDeps, { signal, agent: withAgent = true }: UpOptions = {}): Promise<RunningCluster> {
  setMaxListeners(0);
  checkIdentity(settings);
  const runtime = withAgent ? chooseRuntime(settings, deps) : "simulated";
  const undo: (() => Promise<void>)[] = [];
  const unwind = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    mkdirSync(join(settings.dataDir, "log"), { recursive: true, mode: 0o700 });
    const log = pinoLogger({ level: settings.logLevel, destination: join(settings.dataDir, "log", "server.log") });
    // The agent gets the host ready while the control plane starts.
    const agent = withAgent ? new AgentProcess(deps) : undefined;
    if (agent !== undefined) undo.push(() => agent.stop());
    const host = hostConfig(settings, runtime);
    // Not before the data directory is ours: preparing takes over the containers of whoever was at work in it.
    const owned = (): void => agent?.tell({ type: "prepare", host });
    const plane = await startControlPlane(settings, runtime, { ...deps, log, owned });
    undo.unshift(() => plane.stop());
    signal?.throwIfAborted();
    const url = `https://${settings.bindAddress === "0.0.0.0" ? "127.0.0.1" : settings.bindAddress}:${plane.address.port}`;
    writeAdminKubeconfig(settings, plane, url);
    const [cluster] = await Promise.all([
      clusterConfig(settings, plane, runtime),
      plane.runComponents(),
      ensureDnsService(settings, plane),
      settings.rotateCertificates ? letNodesRenew(plane.client("system:apiserver")) : undefined,
    ]);
    agent?.tell({ type: "join", cluster: copyOf(cluster) });
    plane.certificates.onRenewal(() => {
      writeAdminKubeconfig(settings, plane, url);
      agent?.tell({ type: "certificates", certificates: copyOf(cluster) });
    });
    if (agent !== undefined) await (signal === undefined ? agent.ready : orAbort(agent.ready, signal));
    const run: RunFile = { pid: process.pid, url, kubeconfig: settings.kubeconfig, runtime: withAgent ? runtime : "none", containerd: agent?.containerd };
    writeFileSync(runFilePath(settings.dataDir), JSON.stringify(run));
    undo.unshift(() => Promise.resolve(rmSync(runFilePath(settings.dataDir), { force: true })));
    return { kubeconfig: settings.kubeconfig, url, runtime, failed: Promise.race([plane.failed, ...(agent === undefined ? [] : [agent.failed])]), stop: unwind };
  } catch (error) {
    await unwind();
    if (signal?.aborted === true) throw new UserError("interrupted while starting", "nothing is left running");
    throw explained(error, settings);
  }
}

function chooseRuntime(settings: Settings, deps: UpDeps): "containerd" | "simulated" {
  if (settings.runtime === "simulated") return "simulated";
  const why =
    process.platform !== "linux"
      ? `this is ${process.platform}, not Linux`
      : isRoot()
        ? settings.nodes > 1
          ? `--nodes ${settings.nodes} asks for several nodes on one machine`
          : undefined
        : "this is not root";
  if (why === undefined) return "containerd";
  if (settings.runtime === "containerd") throw new UserError(`real containers are not possible: ${why}`, "run as root on Linux, or use --runtime simulated");
  deps.warn(`SIMULATED NODES: ${why}. Pods only exist on paper, nothing in them runs.`);
  return "simulated";
}

function hostConfig(settings: Settings, runtime: "containerd" | "simulated"): HostConfig {
  return { dataDir: settings.dataDir, instance: instanceOf(settings.dataDir), runtime, mirrors: parseMirrors(settings.registryMirror), logLevel: settings.logLevel };
}

function startControlPlane(
  settings: Settings,
  runtime: "containerd" | "simulated",
  deps: UpDeps & { readonly log: ReturnType<typeof pinoLogger>; owned(): void },
): Promise<ControlPlane> {
  return ControlPlane.start(
    {
      dataDir: settings.dataDir,
      bindAddress: settings.bindAddress,
      apiPort: settings.apiPort,
      advertiseAddress: settings.bindAddress === "0.0.0.0" ? settings.nodeIp : settings.bindAddress,
      clusterCidr: settings.clusterCidr,
      serviceCidr: settings.serviceCidr,
      clusterDomain: settings.clusterDomain,
      dnsNames: runtime === "containerd" ? [settings.nodeName] : [],
      loadBalancerPool: settings.loadBalancerPool,
      store: storePlace(settings),
      audit: settings,
      runtimeConfig: settings.runtimeConfig,
      encryptionConfig: settings.encryptionConfig,
      identity: settings,
      schedulerConfig: settings.schedulerConfig,
    },
    { clock: systemClock, random: systemRandom, log: deps.log, stage: deps.stage, owned: deps.owned },
  );
}

function writeAdminKubeconfig(settings: Settings, plane: ControlPlane, url: string): void {
  const config = makeKubeconfig({
    cluster: "keles",
    user: "keles-admin",
    url,
    ca: plane.pki.ca.certificate,
    certificate: plane.pki.admin.certificate,
    privateKey: plane.pki.admin.privateKey,
  });
  mkdirSync(dirname(settings.kubeconfig), { recursive: true });
  writeFileSync(`${settings.kubeconfig}.new`, toYaml(config), { mode: 0o600 });
  chmodSync(`${settings.kubeconfig}.new`, 0o600);
  renameSync(`${settings.kubeconfig}.new`, settings.kubeconfig);
  if (settings.writeKubeconfig) useContext(config);
}

async function clusterConfig(settings: Settings, plane: ControlPlane, runtime: "containerd" | "simulated"): Promise<ClusterConfig> {
  const cidr = parseCidr(settings.serviceCidr);
  if (cidr === undefined) throw new UserError(`not a range: ${settings.serviceCidr}`);
  const names =
    runtime === "containerd" ? [settings.nodeName] : settings.nodes === 1 ? [settings.nodeName] : Array.from({ length: settings.nodes }, (_, index) => `node-${index + 1}`);
  const directory = join(settings.dataDir, "pki", "nodes");
  const { certificates } = plane;
  const nodes = await Promise.all(
    names.map(async (name) => ({
      name,
      identity: await certificates.leaf(directory, name, plane.pki.ca, { commonName: `system:node:${name}`, organizations: ["system:nodes"], usage: "client" }),
    })),
  );
  const serving = await certificates.leaf(directory, "serving", plane.pki.ca, {
    commonName: "system:node",
    organizations: ["system:nodes"],
    usage: "server",
    dnsNames: names,
    ips: [...new Set(["127.0.0.1", settings.nodeIp])],
  });
  const proxy = await certificates.leaf(directory, "proxy", plane.pki.ca, { commonName: "system:kube-proxy", usage: "client" });
  return {
    proxy,
    apiUrl: `https://${settings.bindAddress === "0.0.0.0" ? "127.0.0.1" : settings.bindAddress}:${plane.address.port}`,
    ca: plane.pki.ca.certificate,
    nodes,
    serving,
    nodeIp: settings.nodeIp,
    kubeletPort: settings.kubeletPort,
    clusterCidr: settings.clusterCidr,
    serviceCidr: settings.serviceCidr,
    clusterDns: addressIn(cidr, 10),
    clusterDomain: settings.clusterDomain,
    version: gitVersion,
    requestedCertificates: { directory: join(settings.dataDir, "pki", "kubelet"), client: settings.rotateCertificates, serving: settings.serverTlsBootstrap },
  };
}

/** What is sent to another process: what stands now, without what makes it current. */
function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** kube-system/kube-dns: the name by which tools find cluster DNS. The agent itself answers at its address. */
async function ensureDnsService(settings: Settings, plane: ControlPlane): Promise<void> {
  const cidr = parseCidr(settings.serviceCidr);
  if (cidr === undefined) return;
  const ports = (["UDP", "TCP"] as const).map((protocol) => ({ name: protocol === "UDP" ? "dns" : "dns-tcp", port: 53, protocol, targetPort: 53 }));
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/name": "KubeDNS", "keles.dev/served-by": "agent" };
  await ensureService(plane.client("system:apiserver"), { namespace: "kube-system", name: "kube-dns", labels, clusterIP: addressIn(cidr, 10), ports });
}

/** What Node is told for the agent: who profiles the control plane profiles the agent too. */
function agentFlags(): string[] {
  return ["--max-semi-space-size=32", ...process.execArgv.filter((flag) => /^--(cpu|heap)-prof/.test(flag))];
}

/** The node agent's process, and what it says. */
class AgentProcess {
  readonly #child: ChildProcess;
  readonly ready: Promise<void>;
  readonly failed: Promise<Error>;
  /** Known once the agent is prepared. */
  containerd: ContainerdPlace | undefined;
  #stopping = false;
  readonly #exited: Promise<void>;

  constructor(deps: UpDeps) {
    const built = fileURLToPath(new URL("../cluster/agent-process.js", import.meta.url));
    const entry = existsSync(built) ? built : fileURLToPath(new URL("./cluster/agent-process.js", import.meta.url));
    this.#child = fork(entry, [], { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: agentFlags() });
    this.#exited = new Promise((resolve) => this.#child.on("exit", () => resolve()));
    let fail: (error: Error) => void = () => {};
    this.failed = new Promise((resolve) => {
      fail = resolve;
    });
    const becameReady = new Promise<void>((resolve) => {
      this.#child.on("message", (message: FromAgent) => {
        if (message.type === "stage") deps.stage(message.name);
        else if (message.type === "prepared") this.containerd = message.containerd;
        else if (message.type === "ready") resolve();
        else if (message.type === "failed") fail(new UserError(message.message, message.remedy));
      });
    });
    this.#child.on("error", (error) => fail(error));
    this.#child.on("exit", (code, signal) => {
      if (!this.#stopping) fail(new UserError(`the node agent ended unexpectedly (${signal ?? `exit code ${code}`})`, "its log is log/agent.log in the data directory"));
    });
    this.ready = Promise.race([
      becameReady,
      this.failed.then((error) => {
        throw error;
      }),
    ]);
    this.ready.catch(() => {});
  }

  tell(message: ToAgent): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** Ends pods and everything that stands for them, then the process. */
  async stop(): Promise<void> {
    if (this.#stopping) return this.#exited;
    this.#stopping = true;
    this.tell({ type: "stop", keepPods: false });
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** What a user can do about it. */
function explained(error: unknown, settings: Settings): unknown {
  if (error instanceof UserError) return error;
  if (error instanceof StoreInUseError)
    return new UserError(`the data directory ${settings.dataDir} is in use by process ${error.pid}`, "stop that cluster with `keles down`, or give this one its own --data-dir");
  if (error instanceof StoreCorruptedError) return new UserError(error.message);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") return new UserError(`port ${settings.apiPort} is in use on ${settings.bindAddress}`, "stop what listens there, or choose another with --api-port");
  if (code === "EADDRNOTAVAIL") return new UserError(`${settings.bindAddress} is not an address of this machine`, "choose another with --bind-address");
  if (code === "EACCES" || code === "EPERM") return new UserError(`no permission: ${message}`, "run as root, or choose a --data-dir that you may write to");
  if (code === "ENOSPC") return new UserError(`the disk of ${settings.dataDir} is full`, "make room and start again; nothing that was acknowledged is lost");
  if (code === "EROFS" || code === "ENOTDIR") return new UserError(`cannot use ${settings.dataDir}: ${message}`, "choose another with --data-dir");
  return error;
}

/** The cluster that runs in a data directory, if one does. */
export function readRunFile(dataDir: string): RunFile | undefined {
  try {
    const run = JSON.parse(readFileSync(runFilePath(dataDir), "utf8")) as RunFile;
    process.kill(run.pid, 0);
    return isKeles(run.pid) ? run : undefined;
  } catch {
    return undefined;
  }
}

/** A cluster that was killed leaves its file, and its process id goes to others in time. */
function isKeles(pid: number): boolean {
  if (pid === process.pid) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, "utf8").includes("keles");
}
