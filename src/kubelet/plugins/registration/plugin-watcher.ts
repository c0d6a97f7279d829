import { sleep, type Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Files } from "../../../platform/files.ts";
import type { GrpcSockets } from "../../../platform/grpc-sockets.ts";
import { errorText, rpcErrorText } from "../../rpc-error-text.ts";
import type { Plugin, PluginHandler } from "./plugin-handler.ts";
import { registrationDescriptor, registrationService, type PluginInfo, type RegistrationStatus } from "./registration-api.ts";
import { registrySockets } from "./registry-sockets.ts";

export interface PluginWatcherDeps {
  readonly files: Files;
  readonly sockets: GrpcSockets;
  readonly clock: Clock;
  readonly log: Logger;
  /** By the type that plug-ins say they are: `DRAPlugin`. */
  readonly handlers: ReadonlyMap<string, PluginHandler>;
}

interface Seen {
  /** Differs when there is another socket at the path. */
  readonly identity: string;
  registered: { readonly plugin: Plugin; readonly handler: PluginHandler } | undefined;
  failures: number;
  retryAtMs: number;
  busy: boolean;
}

const lookMs = 1000;
const callMs = 10_000;
const firstRetryMs = 500;
const longestRetryMs = 122_000;

/**
 * Finds plug-ins by the sockets they put into a folder, asks each what it is and hands it to whom it is for; when the
 * socket goes, takes it back. @upstream pkg/kubelet/pluginmanager/
 */
export class PluginWatcher {
  readonly #folder: string;
  readonly #deps: PluginWatcherDeps;
  readonly #seen = new Map<string, Seen>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: { readonly folder: string }, deps: PluginWatcherDeps) {
    this.#folder = options.folder;
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { files, clock, log } = this.#deps;
    await files.mkdir(this.#folder, { mode: 0o750 });
    while (!signal.aborted) {
      try {
        this.#compare(await registrySockets(files, this.#folder));
      } catch (error) {
        log.warn("plug-ins cannot be looked for", { folder: this.#folder, error: errorText(error) });
      }
      await sleep(clock, lookMs, signal).catch(() => {});
    }
    await Promise.all(this.#running);
  }

  #compare(present: ReadonlyMap<string, string>): void {
    for (const [socket, seen] of this.#seen) {
      if (present.get(socket) === seen.identity) continue;
      this.#seen.delete(socket);
      seen.registered?.handler.deregister(seen.registered.plugin);
    }
    const nowMs = this.#deps.clock.now();
    for (const [socket, identity] of present) {
      const seen = this.#seen.get(socket) ?? { identity, registered: undefined, failures: 0, retryAtMs: 0, busy: false };
      this.#seen.set(socket, seen);
      if (seen.registered !== undefined || seen.busy || seen.retryAtMs > nowMs) continue;
      seen.busy = true;
      const run = this.#register(socket, seen).finally(() => {
        seen.busy = false;
        this.#running.delete(run);
      });
      this.#running.add(run);
    }
  }

  async #register(socket: string, seen: Seen): Promise<void> {
    const { sockets, clock, log } = this.#deps;
    const connection = sockets.open(socket, registrationDescriptor);
    try {
      const registration = connection.service(registrationService);
      const info = await registration.call<PluginInfo>("GetInfo", {}, callMs).catch((error: unknown) => {
        throw new Error(`failed to get plugin info using RPC GetInfo at socket ${socket}, err: ${rpcErrorText(error)}`);
      });
      const problem = this.#seen.get(socket) === seen ? this.#take(socket, seen, info) : "the socket has gone";
      const status: RegistrationStatus = { pluginRegistered: problem === undefined, error: problem === undefined ? "" : `RegisterPlugin error -- ${problem}` };
      if (problem === undefined) log.info("a plug-in is registered", { type: info.type, plugin: info.name, socket });
      await registration.call("NotifyRegistrationStatus", status, callMs).catch((error: unknown) => {
        // It works all the same: only the plug-in does not know.
        log.warn("a plug-in cannot be told whether it is registered", { plugin: info.name, socket, error: rpcErrorText(error) });
      });
      if (problem !== undefined) throw new Error(problem);
    } catch (error) {
      seen.retryAtMs = clock.now() + Math.min(firstRetryMs * 2 ** seen.failures, longestRetryMs);
      seen.failures += 1;
      log.warn("a plug-in is not registered", { socket, error: errorText(error) });
    } finally {
      connection.close();
    }
  }

  /** Why the plug-in cannot be registered; undefined when it is. @upstream pkg/kubelet/pluginmanager/operationexecutor/operation_generator.go */
  #take(socket: string, seen: Seen, { type = "", name = "", endpoint = "", supportedVersions = [] }: PluginInfo): string | undefined {
    const handler = this.#deps.handlers.get(type);
    if (handler === undefined) return `no handler registered for plugin type: ${type} at socket ${socket}`;
    const plugin: Plugin = { name, endpoint: endpoint === "" ? socket : endpoint, versions: supportedVersions };
    try {
      handler.validate(plugin);
    } catch (error) {
      return `plugin validation failed with err: ${errorText(error)}`;
    }
    try {
      handler.register(plugin);
    } catch (error) {
      return `plugin registration failed with err: ${errorText(error)}`;
    }
    seen.registered = { plugin, handler };
    return undefined;
  }
}
