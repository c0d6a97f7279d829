import { createSocket, type Socket } from "node:dgram";
import { createServer, isIPv6, type Server } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Metrics } from "../../../base/metrics.ts";
import type { RecordsView } from "../records.ts";
import type { Transport } from "./ask-upstream.ts";
import { DnsResponder } from "./dns-responder.ts";
import { Forwarder } from "./forwarder.ts";
import { serveTcp } from "./serve-tcp.ts";

export interface DnsServerOptions {
  /** Where it listens; the first is told as the zone's name server. */
  readonly addresses: readonly string[];
  /** 53; 0 takes a free one, see `port`. */
  readonly port: number;
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** `10.0.0.2` or `10.0.0.2:5353`; without, those of the host's resolv.conf. */
  readonly upstreams?: readonly string[] | undefined;
  readonly resolvConf?: string | undefined;
  /** Lifetime of the cluster's records; 5 as CoreDNS has it unless told otherwise. */
  readonly ttlSeconds?: number | undefined;
}

export interface DnsServerDeps {
  readonly records: RecordsView & { readonly version: number; readonly synced: boolean };
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const defaultTtlSeconds = 5;
const portAttempts = 10;

/** Answers for the cluster's names over UDP and TCP, and asks the host's name servers for all others. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #deps: DnsServerDeps;
  readonly #forwarder: Forwarder;
  readonly #responder: DnsResponder;
  readonly #sockets: Socket[] = [];
  readonly #servers: { readonly server: Server; readonly endConnections: () => void }[] = [];
  #port: number;

  constructor(options: DnsServerOptions, deps: DnsServerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#port = options.port;
    const { upstreams, resolvConf, addresses, clusterDomain, ttlSeconds = defaultTtlSeconds } = options;
    this.#forwarder = new Forwarder({ upstreams, resolvConf, own: addresses }, deps);
    this.#responder = new DnsResponder({ clusterDomain: clusterDomain.toLowerCase(), ttlSeconds, serverAddresses: addresses }, { ...deps, forwarder: this.#forwarder });
  }

  /** The port in use. */
  get port(): number {
    return this.#port;
  }

  /** Whether it listens and knows the cluster's records. */
  get ready(): boolean {
    return this.#sockets.length > 0 && this.#deps.records.synced;
  }

  /** Rejects when an address cannot be listened on; nothing is left open then. */
  async listen(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        for (const address of this.#options.addresses) {
          await this.#listenUdp(address);
          await this.#listenTcp(address);
        }
        return;
      } catch (error) {
        await this.#stopListening();
        // A port that is free for UDP may be taken for TCP.
        if (this.#options.port !== 0 || attempt >= portAttempts) throw error;
        this.#port = 0;
      }
    }
  }

  async close(): Promise<void> {
    this.#forwarder.close();
    await this.#stopListening();
  }

  async #stopListening(): Promise<void> {
    const closing = [
      ...this.#sockets.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
      ...this.#servers.splice(0).map(
        ({ server, endConnections }) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            endConnections();
          }),
      ),
    ];
    await Promise.all(closing);
  }

  async #listenUdp(address: string): Promise<void> {
    const socket = createSocket(isIPv6(address) ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ port: this.#port, address }, () => {
        socket.removeAllListeners("error");
        resolve();
      });
    });
    this.#sockets.push(socket);
    this.#port = socket.address().port;
    socket.on("error", (error) => this.#deps.log.warn("DNS socket failed", { error: error.message }));
    socket.on("message", (message, peer) => {
      this.#answer(message, "udp", (reply) => {
        // The socket may have been closed while an upstream was asked.
        if (this.#sockets.includes(socket)) socket.send(reply, peer.port, peer.address, () => {});
      });
    });
  }

  async #listenTcp(address: string): Promise<void> {
    const server = createServer();
    const endConnections = serveTcp(server, (message, reply) => this.#answer(message, "tcp", reply));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: this.#port, host: address, ipv6Only: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.#deps.log.warn("DNS listener failed", { error: error.message }));
    this.#servers.push({ server, endConnections });
  }

  #answer(message: Uint8Array, transport: Transport, send: (reply: Uint8Array) => void): void {
    const reply = this.#responder.respond(message, transport);
    if (reply === undefined) return;
    if (!(reply instanceof Promise)) {
      send(reply);
      return;
    }
    reply.then(send, (error: unknown) => this.#deps.log.error("DNS query not answered", { error: error instanceof Error ? error.message : String(error) }));
  }
}
