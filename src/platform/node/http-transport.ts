import { orAbort } from "../../base/abort.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { HttpAnswer, HttpRequest, HttpsEndpoint, HttpTransport } from "../network.ts";
import { Http2Connection, NotSentError } from "./http2-connection.ts";

/** Watches fill connections for good; another one is opened when all are full. */
const CONNECTIONS_MAX = 8;
/** Requests that wait for room; further ones are refused. */
const WAITING_MAX = 10_000;
const RETRIES_MAX = 10;
const RECONNECT_BASE_MS = 100;
const RECONNECT_MAX_MS = 5_000;

export interface HttpTransportDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface RenewableTransport extends HttpTransport {
  /** Further requests go over new connections, made with what the endpoint has by then; those under way are seen through. */
  renew(): void;
}

/**
 * HTTP/2 to one endpoint. Requests share a connection up to the server's limit of concurrent streams. A broken one is
 * replaced at the next request; while none can be made, attempts are spaced by 0.1 s to 5 s. An answer of 429 or 5xx
 * that carries Retry-After is asked for again, up to ten times.
 * @upstream client-go/rest/with_retry.go
 */
export function http2Transport(endpoint: HttpsEndpoint, deps: HttpTransportDeps): RenewableTransport {
  const pool = new ConnectionPool(endpoint, deps);
  const once = async (request: HttpRequest): Promise<HttpAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      const connection = await pool.connection(request.signal);
      try {
        return await connection.request(request, endpoint.token?.());
      } catch (error) {
        request.signal?.throwIfAborted();
        // What only reads may be asked again when the connection broke under it.
        if (attempt > RETRIES_MAX || !(error instanceof NotSentError || (request.method === "GET" && !connection.usable))) throw error;
      }
    }
  };
  return {
    async request(request) {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await once(request);
        const waitMs = retryAfterMs(answer);
        if (waitMs === undefined || attempt >= RETRIES_MAX) return answer;
        await discard(answer);
        if (waitMs > 0) await sleep(deps.clock, waitMs, request.signal);
      }
    },
    close: () => pool.close(),
    renew: () => pool.renew(),
  };
}

function retryAfterMs({ status, headers }: HttpAnswer): number | undefined {
  if (status !== 429 && status < 500) return undefined;
  const text = headers["retry-after"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
}

async function discard({ body }: HttpAnswer): Promise<void> {
  for await (const _ of body) break;
}

class ConnectionPool {
  readonly #endpoint: HttpsEndpoint;
  readonly #deps: HttpTransportDeps;
  #connections: Http2Connection[] = [];
  /** They take no more requests, but some may be under way. */
  #retired: Http2Connection[] = [];
  #opening: Promise<void> | undefined;
  #failures = 0;
  #notBefore = 0;
  #waiting = 0;
  /** Resolved whenever something changed for those who wait. */
  #change = new Change();
  readonly #closed = new AbortController();

  constructor(endpoint: HttpsEndpoint, deps: HttpTransportDeps) {
    this.#endpoint = endpoint;
    this.#deps = deps;
  }

  /** One with room, reserved; rejects when none can be made or the signal aborts. */
  async connection(signal: AbortSignal | undefined): Promise<Http2Connection> {
    const stop = signal ?? this.#closed.signal;
    for (;;) {
      stop.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      this.#connections = this.#connections.filter((connection) => connection.usable);
      const free = this.#connections.find((connection) => connection.hasRoom);
      if (free !== undefined) {
        free.reserve();
        return free;
      }
      if (this.#waiting >= WAITING_MAX) throw new Error("too many requests wait for a connection");
      this.#waiting += 1;
      try {
        if (this.#connections.length < CONNECTIONS_MAX) await orAbort(this.#open(), stop);
        else await orAbort(this.#change.promise, stop);
      } finally {
        this.#waiting -= 1;
      }
    }
  }

  renew(): void {
    for (const connection of this.#connections) connection.retire();
    this.#retired = [...this.#retired.filter((connection) => !connection.isOver), ...this.#connections];
    this.#connections = [];
    this.#changed();
  }

  close(): void {
    this.#closed.abort(new Error("transport closed"));
    for (const connection of [...this.#connections, ...this.#retired]) connection.destroy();
    this.#connections = [];
    this.#retired = [];
    this.#changed();
  }

  /** One attempt, shared by all who wait for it. */
  #open(): Promise<void> {
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<void> {
    const { clock, random } = this.#deps;
    const waitMs = this.#notBefore - clock.now();
    if (waitMs > 0) await sleep(clock, waitMs, this.#closed.signal);
    try {
      const connection = await Http2Connection.open(this.#endpoint, { clock, onFree: () => this.#changed() });
      this.#failures = 0;
      this.#notBefore = 0;
      if (this.#closed.signal.aborted) connection.destroy();
      else this.#connections.push(connection);
    } catch (error) {
      const delay = Math.min(RECONNECT_BASE_MS * 2 ** this.#failures, RECONNECT_MAX_MS);
      this.#failures += 1;
      this.#notBefore = clock.now() + delay * (1 + random.next());
      throw error;
    }
  }

  #changed(): void {
    this.#change.announce();
    this.#change = new Change();
  }
}

/** A promise with its resolver. */
class Change {
  announce: () => void = () => {};
  readonly promise = new Promise<void>((resolve) => {
    this.announce = resolve;
  });
}
