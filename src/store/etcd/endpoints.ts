import { GrpcConnection, GrpcError, type TlsOptions, grpcCodes } from "./grpc-connection.ts";

export interface EndpointsOptions {
  /** `https://HOST:PORT`, in the order of preference. */
  readonly endpoints: readonly string[];
  readonly tls?: TlsOptions;
  readonly connectTimeoutMs: number;
}

/** Several members of one etcd: stays with the one that works, and moves on when it fails. */
export class Endpoints {
  readonly #options: EndpointsOptions;
  #at = 0;
  #current: Promise<GrpcConnection> | undefined;
  #closed = false;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  /** The connection that calls share. */
  async connection(): Promise<GrpcConnection> {
    const opening = (this.#current ??= this.open());
    try {
      const connection = await opening;
      if (connection.usable) return connection;
    } catch (error) {
      if (this.#current === opening) this.#current = undefined;
      throw error;
    }
    if (this.#current === opening) this.#current = undefined;
    return this.connection();
  }

  /** A connection of one's own, to the first member that answers. */
  async open(): Promise<GrpcConnection> {
    const { endpoints, tls, connectTimeoutMs } = this.#options;
    let last: unknown;
    for (let attempt = 0; attempt < endpoints.length; attempt += 1) {
      if (this.#closed) break;
      const endpoint = endpoints[this.#at % endpoints.length] as string;
      try {
        const connection = await GrpcConnection.open(endpoint, { timeoutMs: connectTimeoutMs, ...(tls === undefined ? {} : { tls }) });
        if (!this.#closed) return connection;
        connection.close();
      } catch (error) {
        last = error;
        this.#at += 1;
      }
    }
    throw last ?? new GrpcError(grpcCodes.unavailable, "there is no endpoint", { sent: false });
  }

  /** The member behind this connection is of no use: later calls go to the next one. */
  moveOn(connection: GrpcConnection): void {
    if (this.#options.endpoints[this.#at % this.#options.endpoints.length] === connection.endpoint) this.#at += 1;
    const opening = this.#current;
    if (opening === undefined) return;
    opening.then(
      (current) => {
        if (current !== connection || this.#current !== opening) return;
        this.#current = undefined;
        // Calls that are under way on it may still be answered.
        setTimeout(() => connection.close(), this.#options.connectTimeoutMs).unref();
      },
      () => {},
    );
  }

  close(): void {
    this.#closed = true;
    this.#current?.then(
      (connection) => connection.close(),
      () => {},
    );
    this.#current = undefined;
  }
}
