import { setTimeout as delay } from "node:timers/promises";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { Endpoints } from "./endpoints.ts";
import { type Messages, methods } from "./generated/messages.ts";
import { type GrpcConnection, GrpcError, type TlsOptions, grpcCodes } from "./grpc-connection.ts";

export interface EtcdClientOptions {
  readonly endpoints: readonly string[];
  readonly tls?: TlsOptions;
  /** A call, its repetitions on other members included, takes no longer. Default 10 s. */
  readonly requestTimeoutMs?: number;
  /** Default 3 s. */
  readonly connectTimeoutMs?: number;
}

type Method = keyof typeof methods;
type Request<M extends Method> = Messages[(typeof methods)[M]["request"]];
type Response<M extends Method> = Messages[(typeof methods)[M]["response"]];

const MAX_IN_FLIGHT = 10_000;
const FIRST_BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 1_000;

/** etcd's v3 calls over one shared connection; streams get connections of their own, so that a slow reader holds up nobody else. */
export class EtcdClient {
  readonly #endpoints: Endpoints;
  readonly #requestTimeoutMs: number;
  #inFlight = 0;

  constructor(options: EtcdClientOptions) {
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 10_000;
    this.#endpoints = new Endpoints({
      endpoints: options.endpoints,
      connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    });
  }

  /**
   * Rejects with GrpcError. What certainly did nothing is tried again on the next member until the time is up; with
   * `repeatable` also what may have been done.
   */
  async call<M extends Method>(method: M, request: Request<M>, options: { readonly repeatable: boolean }): Promise<Response<M>> {
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new GrpcError(grpcCodes.unavailable, "too many requests are under way", { sent: false });
    this.#inFlight += 1;
    try {
      return await this.#call(method, request, options.repeatable);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Yields until the server ends the stream or the signal aborts. Never repeats. */
  async *stream<M extends Method>(method: M, request: Request<M>, signal: AbortSignal): AsyncGenerator<Response<M>> {
    const { path, request: requestName, response } = methods[method];
    const connection = await this.#endpoints.open();
    try {
      for await (const message of connection.stream(path, encodeMessage(requestName, request), signal)) yield decodeMessage(response, message) as Response<M>;
    } catch (error) {
      if (isUnavailable(error)) this.#endpoints.moveOn(connection);
      throw error;
    } finally {
      connection.close();
    }
  }

  close(): void {
    this.#endpoints.close();
  }

  async #call<M extends Method>(method: M, request: Request<M>, repeatable: boolean): Promise<Response<M>> {
    const { path, request: requestName, response } = methods[method];
    const message = encodeMessage(requestName, request);
    const deadline = performance.now() + this.#requestTimeoutMs;
    for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      let connection: GrpcConnection | undefined;
      try {
        connection = await this.#endpoints.connection();
        const left = Math.max(1, Math.ceil(deadline - performance.now()));
        return decodeMessage(response, await connection.unary(path, message, left)) as Response<M>;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        if (connection !== undefined) this.#endpoints.moveOn(connection);
        if ((error.sent && !repeatable) || performance.now() + backoff >= deadline) throw error;
      }
      await delay(backoff);
    }
  }
}

/** The member, not the request, is the problem. */
export function isUnavailable(error: unknown): error is GrpcError {
  return error instanceof GrpcError && (error.code === grpcCodes.unavailable || error.code === grpcCodes.deadlineExceeded || error.code === grpcCodes.cancelled);
}
