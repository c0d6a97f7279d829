import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { kubectlPath } from "./kubectl-binaries.ts";
import { mountsBelow, remainsOf, sweep } from "./remains.ts";
import { type ProgramResult, runProgram } from "./run-program.ts";
import { until } from "./until.ts";

const keles = fileURLToPath(new URL("../../bin/keles.mjs", import.meta.url));

export interface ClusterOptions {
  readonly runtime: "containerd" | "simulated";
  /** Of simulated clusters; 1 when left out. */
  readonly nodes?: number;
  /** `http://127.0.0.1:40123`, for docker.io. */
  readonly registry?: string;
  readonly flags?: readonly string[];
}

export interface KubectlOptions {
  readonly stdin?: string;
  /** The kubectl of PATH when left out. */
  readonly binary?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** A program that runs beside the test. */
export interface Following {
  /** What it has said so far. */
  text(): string;
  /** To its input, when that was left open. */
  write(line: string): void;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** A cluster of a test's own: data folder, ports and address ranges that nothing else uses. */
export class Cluster {
  readonly dataDir: string;
  readonly apiPort: number;
  readonly kubeletPort: number;
  readonly flags: readonly string[];
  /** Everything that the last process has said. */
  output = "";
  /** Its home, where kubectl keeps what it has discovered. */
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, ports: { readonly api: number; readonly kubelet: number }, options: ClusterOptions) {
    this.#folder = folder;
    this.dataDir = join(folder, "data");
    this.apiPort = ports.api;
    this.kubeletPort = ports.kubelet;
    // One of 64 pairs, so that runs side by side on one machine hardly ever share routes.
    const range = 64 + 2 * Math.floor(Math.random() * 64);
    this.flags = [
      `--data-dir=${this.dataDir}`,
      `--runtime=${options.runtime}`,
      `--api-port=${ports.api}`,
      `--kubelet-port=${ports.kubelet}`,
      `--cluster-cidr=10.${range}.0.0/16`,
      `--service-cidr=10.${range + 1}.0.0/16`,
      ...(options.nodes === undefined ? [] : [`--nodes=${options.nodes}`]),
      ...(options.registry === undefined ? [] : [`--registry-mirror=docker.io=${options.registry}`]),
      ...(options.flags ?? []),
    ];
  }

  /** Starts one and waits until it says that it is ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), "keles-e2e-"));
    const cluster = new Cluster(folder, { api: await freePort(), kubelet: await freePort() }, options);
    try {
      await cluster.up();
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  get kubeconfig(): string {
    return join(this.dataDir, "kubeconfig");
  }

  /** The process that was started last, whether it runs or not. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  /** Starts it, again where it has run before. */
  async up(): Promise<void> {
    this.output = "";
    // A process group of its own: a Ctrl-C reaches all of it, as in a terminal.
    const child = spawn(process.execPath, [keles, "up", ...this.flags], { stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.#process = child;
    // A test run that is broken off takes its clusters with it.
    const end = (): void => void (hasEnded(child) || child.pid === undefined || process.kill(-child.pid, "SIGINT"));
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        this.output += chunk.toString("utf8");
      });
    await until(
      "the cluster says that it is ready",
      () => {
        if (hasEnded(child)) throw new EndedEarly(this.output);
        return this.output.includes("The cluster is ready");
      },
      { timeoutMs: 120_000, everyMs: 50 },
    );
  }

  /** Runs kubectl, whatever comes of it. Words are parted at blanks, unless they are given as a list. */
  tryKubectl(args: string | readonly string[], options: KubectlOptions = {}): Promise<ProgramResult> {
    const { binary = kubectlPath(), environment = {}, ...rest } = options;
    const words = typeof args === "string" ? args.split(/\s+/).filter((word) => word !== "") : args;
    return runProgram(binary, words, { ...rest, folder: this.#folder, environment: { KUBECONFIG: this.kubeconfig, HOME: this.#folder, ...environment } });
  }

  /** Standard output of a kubectl that must end well. */
  async kubectl(args: string | readonly string[], options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(args, options);
    if (code !== 0) throw new Error(`kubectl ${typeof args === "string" ? args : args.join(" ")} ended with ${code ?? "a signal"}\n${stdout}${stderr}`);
    return stdout;
  }

  /** One field: `field("pod web", ".status.podIP")`; empty when it is absent. */
  async field(what: string, path: string): Promise<string> {
    return this.kubectl([...`get ${what}`.split(" "), "-o", `jsonpath={${path}}`]);
  }

  /** A kubectl that goes on until it is stopped: `get --watch`, `port-forward`, `logs --follow`. */
  follow(args: string, { binary = kubectlPath(), stdin = "none" }: { readonly binary?: string; readonly stdin?: "none" | "open" } = {}): Following {
    const child = spawn(binary, args.split(/\s+/), {
      cwd: this.#folder,
      env: { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.#folder },
      stdio: [stdin === "open" ? "pipe" : "ignore", "pipe", "pipe"],
    });
    child.stdin?.on("error", () => {});
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
      });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    return {
      text: () => text,
      write: (line) => void child.stdin?.write(line),
      ended,
      async stop() {
        child.kill("SIGINT");
        await ended;
      },
    };
  }

  /** Ctrl-C: its exit code. The data stay, and nothing else may. */
  async stop(): Promise<number | undefined> {
    return this.#end("SIGINT");
  }

  /** As when the machine's memory ran out: control plane and agent are gone at once. Containers go on. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** The child that runs the node agent. */
  agentPid(): number {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim().split(" ");
    const agent = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("agent-process"));
    if (agent === undefined) throw new Error("no agent runs");
    return Number(agent);
  }

  /** Resolves with the exit code when the process ends by itself or has ended. */
  async ended(): Promise<number | undefined> {
    const child = this.#process;
    if (child === undefined) return undefined;
    await until("the process has ended", () => hasEnded(child), { timeoutMs: 90_000, everyMs: 50 });
    return child.exitCode ?? undefined;
  }

  /** What it has left on the machine besides its data. */
  remains(): Promise<readonly string[]> {
    return remainsOf(this.dataDir);
  }

  /** Its agent's and server's logs, for messages of failing tests. */
  logs(): string {
    return ["server.log", "agent.log"].map((name) => (existsSync(join(this.dataDir, "log", name)) ? readFileSync(join(this.dataDir, "log", name), "utf8") : "")).join("");
  }

  /** Ends it if it runs, with all that it holds, and deletes its data. Throws when it had to be swept up after a clean stop. */
  async dispose(): Promise<void> {
    const child = this.#process;
    const ran = child !== undefined && !hasEnded(child);
    const code = ran ? await this.stop() : child?.exitCode;
    const remains = await this.remains();
    if (remains.length > 0) await sweep(this.dataDir);
    const { output } = this;
    if (mountsBelow(this.#folder).length === 0) rmSync(this.#folder, { recursive: true, force: true });
    if (ran && (code !== 0 || remains.length > 0)) throw new Error(`the cluster ended with ${code ?? "a signal"} and left ${remains.join("\n")}\n${output}`);
  }

  /** To the whole process group, if it is there. */
  async #end(signal: NodeJS.Signals): Promise<number | undefined> {
    const child = this.#process;
    if (child?.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, signal);
    return this.ended();
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

class EndedEarly extends Error {
  constructor(output: string) {
    super(`keles ended before it was ready:\n${output}`);
  }
}
