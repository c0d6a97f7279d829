import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { RuntimeError, type RuntimeService } from "../../cri/runtime.ts";
import { duplexBytes } from "../../platform/node/duplex-bytes.ts";
import { SpdyConnection } from "../../platform/streams/spdy-connection.ts";
import type { SpdyStream } from "../../platform/streams/spdy-stream.ts";
import type { StreamOptions } from "./stream-target.ts";

/** One command at the trial runtime. */
interface Command {
  readonly words: readonly string[];
  readonly options: StreamOptions;
  readonly streams: ReadonlyMap<string, SpdyStream>;
  readonly connection: SpdyConnection;
}

/** What the commands of tests do; each resolves with its exit code. */
const programs: Readonly<Record<string, (command: Command) => Promise<number>>> = {
  async cat({ streams }) {
    for await (const bytes of streams.get("stdin") ?? []) await streams.get("stdout")?.write(bytes);
    return 0;
  },
  async exit({ streams, words }) {
    await streams.get("stdout")?.write(Buffer.from("out"));
    await streams.get("stderr")?.write(Buffer.from("err"));
    return Number(words[1]);
  },
  async flood({ streams, words }) {
    for (let left = Number(words[1]); left > 0; left -= 1) await streams.get("stdout")?.write(Buffer.alloc(65_536, left));
    return 0;
  },
  async sizes({ streams }) {
    for await (const bytes of streams.get("resize") ?? []) {
      await streams.get("stdout")?.write(bytes);
      if (Buffer.from(bytes).includes("99")) break;
    }
    return 0;
  },
  async deaf({ streams }) {
    streams.get("stdin")?.destroy();
    await streams.get("stdout")?.write(Buffer.from("deaf"));
    return 0;
  },
  async break({ streams, connection }) {
    await streams.get("stdout")?.write(Buffer.from("half"));
    connection.close();
    return 0;
  },
  async wait() {
    return new Promise(() => {});
  },
};

/** A container runtime in the test's process with a streaming server that speaks SPDY as containerd's does. */
export class TrialRuntime {
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Duplex>();
  /** Resolves when a connection of the streaming server is over. */
  readonly connectionsOver: Promise<void>[] = [];
  /** What was asked with the last upgrade. */
  asked: { readonly method: string; readonly url: URL; readonly protocol: string } | undefined;

  async listen(): Promise<void> {
    this.#server.on("upgrade", (request, socket: Duplex) => {
      const url = new URL(request.url ?? "", "http://runtime");
      const protocol = String(request.headers["x-stream-protocol-version"]).split(",")[0] ?? "";
      this.asked = { method: request.method ?? "", url, protocol };
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      if (url.searchParams.get("cmd")?.includes("refuse") === true) {
        socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nConnection: close\r\n\r\nnever\n");
        return;
      }
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
      this.connectionsOver.push(url.pathname === "/portforward" ? serveForward(socket) : serveCommand(socket, url));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Streams and lists; containers that are asked to attach are simulated ones. */
  get service(): RuntimeService {
    const at = (path: string, query: Record<string, string>): { url: string } => ({
      url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}?${new URLSearchParams(query).toString()}`,
    });
    const runtime: Partial<RuntimeService> = {
      exec: async ({ containerId = "", cmd, ...options }) => at("/exec", { containerId, cmd: JSON.stringify(cmd), options: JSON.stringify(options) }),
      attach: async () => {
        throw new RuntimeError("UNIMPLEMENTED", "a simulated container cannot be attached to");
      },
      listPodSandbox: async () => [
        { id: "s1", metadata: { name: "web", namespace: "shop", uid: "u1" } },
        { id: "s2", metadata: { name: "empty", namespace: "shop", uid: "u2" } },
      ],
      listContainers: async () => [{ id: "c1", podSandboxId: "s1", metadata: { name: "main" }, image: { image: "sha256:1", userSpecifiedImage: "nginx:1" } }],
      portForward: async ({ podSandboxId = "" }) => at("/portforward", { podSandboxId }),
    };
    return runtime as RuntimeService;
  }
}

async function serveCommand(socket: Duplex, url: URL): Promise<void> {
  const options = JSON.parse(url.searchParams.get("options") ?? "{}") as StreamOptions;
  const words = JSON.parse(url.searchParams.get("cmd") ?? "[]") as string[];
  const wanted = ["error", ...(options.stdin ? ["stdin"] : []), ...(options.stdout ? ["stdout"] : []), ...(options.stderr ? ["stderr"] : []), ...(options.tty ? ["resize"] : [])];
  const streams = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(
    { role: "server" },
    {
      bytes: duplexBytes(socket),
      accept: (stream) => {
        streams.set(stream.headers["streamtype"] ?? "", stream);
        if (wanted.every((name) => streams.has(name))) void finish({ words, options, streams, connection });
      },
    },
  );
  await connection.run();
}

/** Ends as containerd does: output first, then the status, then everything else by resetting. */
async function finish(command: Command): Promise<void> {
  try {
    const code = (await programs[command.words[0] ?? ""]?.(command)) ?? 127;
    command.streams.get("stdout")?.end();
    command.streams.get("stderr")?.end();
    const status =
      code === 0
        ? { metadata: {}, status: "Success" }
        : {
            metadata: {},
            status: "Failure",
            message: `command terminated with non-zero exit code: exit status ${code}`,
            reason: "NonZeroExitCode",
            details: { causes: [{ reason: "ExitCode", message: String(code) }] },
          };
    await command.streams.get("error")?.write(Buffer.from(JSON.stringify(status)));
    for (const stream of command.streams.values()) stream.destroy();
    command.connection.close();
  } catch {
    command.connection.destroy();
  }
}

/** Every data stream is echoed, after its port. */
async function serveForward(socket: Duplex): Promise<void> {
  const echo = async (stream: SpdyStream): Promise<void> => {
    if (stream.headers["streamtype"] === "data") {
      await stream.write(Buffer.from(`port ${stream.headers["port"] ?? ""}: `));
      for await (const bytes of stream) await stream.write(bytes);
    }
    stream.end();
  };
  const connection = new SpdyConnection({ role: "server" }, { bytes: duplexBytes(socket), accept: (stream) => void echo(stream).catch(() => {}) });
  await connection.run();
}
