import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { Files } from "../../platform/files.ts";
import type { GrpcSockets } from "../../platform/grpc-sockets.ts";
import { Drivers } from "./dra/drivers.ts";
import { PodDevices } from "./dra/pod-devices.ts";
import { PreparedClaims } from "./dra/prepared-claims.ts";
import { SliceWiper } from "./dra/slice-wiper.ts";
import type { PluginHandler } from "./registration/plugin-handler.ts";
import { PluginWatcher } from "./registration/plugin-watcher.ts";

export interface NodePluginsOptions {
  readonly nodeName: string;
  readonly signal: AbortSignal;
  /** Where plug-ins put the sockets by which they are found. */
  readonly registry: string;
  /** The record of claims that are prepared. */
  readonly preparedClaims: string;
}

export interface NodePluginsDeps {
  readonly client: Client;
  readonly files: Files;
  readonly sockets: GrpcSockets;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The node's plug-ins and what they do for pods. */
export class NodePlugins {
  readonly devices: PodDevices;
  readonly #prepared: PreparedClaims;
  readonly #wiper: SliceWiper;
  readonly #drivers: Drivers;
  readonly #watcher: PluginWatcher;

  constructor(options: NodePluginsOptions, deps: NodePluginsDeps) {
    const { client, log, clock, files, sockets } = deps;
    this.#prepared = new PreparedClaims({ path: options.preparedClaims }, { files, log });
    this.#wiper = new SliceWiper({ nodeName: options.nodeName, signal: options.signal }, { client, clock, log });
    this.#drivers = new Drivers({}, { sockets, wiper: this.#wiper });
    this.devices = new PodDevices({}, { client, drivers: this.#drivers, prepared: this.#prepared, log });
    const handlers = new Map<string, PluginHandler>([["DRAPlugin", this.#drivers]]);
    this.#watcher = new PluginWatcher({ folder: options.registry }, { files, sockets, clock, log, handlers });
  }

  /** Before the first pod is looked at. */
  async load(): Promise<void> {
    await this.#prepared.load();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#wiper.wipeAll();
    await this.#watcher.run(signal);
  }

  /** Resolves when nothing is under way any more; plug-ins stay as they are. */
  async drained(): Promise<void> {
    this.#drivers.close();
    await this.#wiper.drained();
  }
}
