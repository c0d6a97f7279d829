import type { GrpcSockets } from "../../src/platform/grpc-sockets.ts";
import { RuntimeError } from "../../src/cri/runtime.ts";
import type { FileStat } from "../../src/platform/files.ts";
import { MemoryFiles } from "../../src/platform/sim/memory-files.ts";

type Method = (request: never) => object | Promise<object>;

/** gRPC servers on paper, by path: `{ "pkg.Service/Method": (request) => answer }`. */
export class PaperSockets implements GrpcSockets {
  readonly #servers = new Map<string, Readonly<Record<string, Method>>>();
  readonly #watchers = new Set<() => void>();

  serve(path: string, methods: Readonly<Record<string, Method>>): void {
    this.#servers.set(path, methods);
    for (const look of this.#watchers) look();
  }

  end(path: string): void {
    this.#servers.delete(path);
    for (const look of this.#watchers) look();
  }

  open(path: string): ReturnType<GrpcSockets["open"]> {
    const watching: (() => void)[] = [];
    return {
      service: (service) => ({
        call: async <Response>(method: string, request: object): Promise<Response> => {
          const server = this.#servers.get(path);
          if (server === undefined) throw new RuntimeError("UNAVAILABLE", `nothing answers at ${path}`);
          const known = server[`${service}/${method}`];
          if (known === undefined) throw new RuntimeError("UNIMPLEMENTED", `unknown method ${method}`);
          return (await known(request as never)) as Response;
        },
      }),
      watch: (changed) => {
        let told: boolean | undefined;
        const look = (): void => {
          const connected = this.#servers.has(path);
          if (connected !== told) changed((told = connected));
        };
        watching.push(look);
        this.#watchers.add(look);
        queueMicrotask(look);
      },
      close: () => {
        for (const look of watching) this.#watchers.delete(look);
      },
    };
  }
}

/** A file system on paper in which sockets stand too. */
export class FilesWithSockets extends MemoryFiles {
  readonly #sockets = new Map<string, FileStat>();
  #made = 0;

  addSocket(path: string): void {
    this.#made += 1;
    this.#sockets.set(path, { type: "socket", size: 0, mode: 0o755, uid: 0, gid: 0, modifiedMs: this.#made, inode: 1_000_000 });
  }

  removeSocket(path: string): void {
    this.#sockets.delete(path);
  }

  override async list(path: string): Promise<readonly string[]> {
    const names = [...this.#sockets.keys()].filter((socket) => socket.startsWith(`${path}/`)).map((socket) => socket.slice(path.length + 1).split("/")[0] ?? "");
    return [...new Set([...(await super.list(path)), ...names])].sort();
  }

  override async stat(path: string): Promise<FileStat | undefined> {
    return this.#sockets.get(path) ?? super.stat(path);
  }
}
