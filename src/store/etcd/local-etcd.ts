import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

/** The `etcd` on PATH; undefined when there is none. */
export function findEtcd(): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    try {
      accessSync(join(folder, "etcd"), constants.X_OK);
      return join(folder, "etcd");
    } catch {
      // The next folder, then.
    }
  }
  return undefined;
}

export interface LocalEtcdOptions {
  readonly binary: string;
  /** Default 1. */
  readonly members?: number;
  /** Files in PEM; clients must then show a certificate of `ca`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly flags?: readonly string[];
}

const START_TIMEOUT_MS = 20_000;

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
  process: ChildProcess | undefined;
}

/** Real etcd members on loopback with data in a temporary folder: for tests, and nothing else. */
export class LocalEtcd {
  readonly #options: LocalEtcdOptions;
  readonly #folder: string;
  readonly #members: readonly Member[];

  private constructor(options: LocalEtcdOptions, members: readonly Member[]) {
    this.#options = options;
    this.#members = members;
    this.#folder = mkdtempSync(join(tmpdir(), "keles-etcd-"));
  }

  /** Resolves when all members serve. */
  static async start(options: LocalEtcdOptions): Promise<LocalEtcd> {
    const count = options.members ?? 1;
    const ports = await freePorts(2 * count);
    const scheme = options.tls === undefined ? "http" : "https";
    const members = Array.from({ length: count }, (_, index) => ({
      name: `m${index}`,
      client: `${scheme}://127.0.0.1:${ports[2 * index]}`,
      peer: `http://127.0.0.1:${ports[2 * index + 1]}`,
      process: undefined,
    }));
    const etcd = new LocalEtcd(options, members);
    try {
      await Promise.all(members.map((_, index) => etcd.startMember(index)));
      return etcd;
    } catch (error) {
      await etcd.stop();
      throw error;
    }
  }

  get endpoints(): string[] {
    return this.#members.map((member) => member.client);
  }

  /** Starts a member that is not running, on the data it had. */
  async startMember(index: number): Promise<void> {
    const member = this.#members[index] as Member;
    const { binary, tls, flags = [] } = this.#options;
    const data = join(this.#folder, member.name);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const security = tls === undefined ? [] : ["--client-cert-auth", `--trusted-ca-file=${tls.ca}`, `--cert-file=${tls.cert}`, `--key-file=${tls.key}`];
    const started = spawn(
      binary,
      [
        `--name=${member.name}`,
        `--data-dir=${data}`,
        `--listen-client-urls=${member.client}`,
        `--advertise-client-urls=${member.client}`,
        `--listen-peer-urls=${member.peer}`,
        `--initial-advertise-peer-urls=${member.peer}`,
        `--initial-cluster=${this.#members.map((each) => `${each.name}=${each.peer}`).join(",")}`,
        "--heartbeat-interval=50",
        "--election-timeout=500",
        "--logger=zap",
        "--log-outputs=stderr",
        ...security,
        ...flags,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    member.process = started;
    const lines = createInterface({ input: started.stderr });
    await new Promise<void>((resolve, reject) => {
      const last: string[] = [];
      lines.on("line", (line) => {
        if (last.push(line) > 20) last.shift();
        if (/serving client traffic|ready to serve client requests/.test(line)) resolve();
      });
      started.once("error", reject);
      const late = setTimeout(() => reject(new Error(`etcd does not serve yet:\n${last.join("\n")}`)), START_TIMEOUT_MS);
      started.once("exit", () => clearTimeout(late));
      late.unref();
      started.once("exit", (code) => reject(new Error(`etcd ended with ${code}:\n${last.join("\n")}`)));
    });
  }

  /** Kills a member; its data stays. */
  async stopMember(index: number): Promise<void> {
    const { process: running } = this.#members[index] as Member;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.stopMember(index)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
