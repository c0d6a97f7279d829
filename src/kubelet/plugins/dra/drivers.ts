import type { GrpcSocket, GrpcSockets } from "../../../platform/grpc-sockets.ts";
import { rpcErrorText } from "../../rpc-error-text.ts";
import type { Plugin, PluginHandler } from "../registration/plugin-handler.ts";
import { draDescriptor, draServices, type DraRequest, type DraResponse } from "./dra-api.ts";
import type { SliceWiper } from "./slice-wiper.ts";

interface Connection {
  readonly endpoint: string;
  readonly service: string;
  readonly socket: GrpcSocket;
  connected: boolean;
}

export interface DriversDeps {
  readonly sockets: GrpcSockets;
  readonly wiper: SliceWiper;
}

/** One driver, as far as it can be called. Both reject with what went wrong. */
export interface Driver {
  prepare(request: DraRequest): Promise<DraResponse>;
  unprepare(request: DraRequest): Promise<DraResponse>;
}

const callMs = 45_000;

/**
 * The node's drivers of devices, each behind one socket or, while one instance takes over from another, several.
 * @upstream pkg/kubelet/cm/dra/plugin/dra_plugin_manager.go
 */
export class Drivers implements PluginHandler {
  readonly #deps: DriversDeps;
  /** In the order they came. */
  readonly #connections = new Map<string, readonly Connection[]>();

  constructor(_options: object, deps: DriversDeps) {
    this.#deps = deps;
  }

  /** Throws when no such driver is registered. */
  get(name: string): Driver {
    const connections = this.#connections.get(name) ?? [];
    // The newest most likely is the one to stay.
    const chosen = connections.findLast(({ connected }) => connected) ?? connections.at(-1);
    if (chosen === undefined) throw new Error(`DRA driver ${name} is not registered`);
    const calls = chosen.socket.service(chosen.service);
    const call = async (method: string, request: DraRequest): Promise<DraResponse> => {
      try {
        return await calls.call<DraResponse>(method, request, callMs);
      } catch (error) {
        throw new Error(`${method}: ${rpcErrorText(error)}`, { cause: error });
      }
    };
    return {
      prepare: (request) => call("NodePrepareResources", request),
      unprepare: (request) => call("NodeUnprepareResources", request),
    };
  }

  validate(plugin: Plugin): void {
    serviceOf(plugin);
  }

  register(plugin: Plugin): void {
    const { name, endpoint } = plugin;
    const service = serviceOf(plugin);
    const known = this.#connections.get(name) ?? [];
    if (known.some((connection) => connection.endpoint === endpoint)) throw new Error(`endpoint ${endpoint} already registered for DRA driver plugin ${name}`);
    const connection: Connection = { endpoint, service, socket: this.#deps.sockets.open(endpoint, draDescriptor), connected: false };
    this.#connections.set(name, [...known, connection]);
    connection.socket.watch((connected) => {
      connection.connected = connected;
      this.#tell(name);
    });
    this.#tell(name);
  }

  deregister({ name, endpoint }: Plugin): void {
    const connections = this.#connections.get(name) ?? [];
    const left = connections.filter((connection) => connection.endpoint !== endpoint);
    if (left.length === connections.length) return;
    if (left.length === 0) this.#connections.delete(name);
    else this.#connections.set(name, left);
    for (const connection of connections) if (connection.endpoint === endpoint) connection.socket.close();
    this.#tell(name);
  }

  close(): void {
    for (const connections of this.#connections.values()) for (const { socket } of connections) socket.close();
    this.#connections.clear();
  }

  #tell(name: string): void {
    if ((this.#connections.get(name) ?? []).some(({ connected }) => connected)) this.#deps.wiper.back(name);
    else this.#deps.wiper.gone(name);
  }
}

/** The service of the driver that is called. Throws when there is none. */
function serviceOf({ name, endpoint, versions }: Plugin): string {
  const fail = (problem: string): Error => new Error(`invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${problem}`);
  if (versions.length === 0) throw fail("empty list of supported gRPC services (aka supported versions)");
  const quoted = (names: Iterable<string>): string => `[${[...names].map((text) => JSON.stringify(text)).join(" ")}]`;
  for (const [version, service] of draServices) if (versions.includes(version)) return service;
  throw fail(`none of services supported by the plugin (${quoted(versions)}) are supported by the kubelet (${quoted(draServices.keys())})`);
}
