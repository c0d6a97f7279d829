import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { SecureClientSessionOptions } from "node:http2";
import type { Clock } from "../../base/clock.ts";
import type { HttpAnswer, HttpRequest, HttpsEndpoint } from "../network.ts";

/** Asked only when the server says nothing else. */
const STREAMS_ASSUMED = 100;
const PING_EVERY_MS = 30_000;
const PING_WITHIN_MS = 15_000;
/** One reader that is slow must not stop the others: what one stream may have in flight. */
const STREAM_WINDOW_BYTES = 1 << 20;
const CONNECT_WITHIN_MS = 30_000;

/** The request never reached the server's handler: sending it again is safe, whatever its method. */
export class NotSentError extends Error {
  override readonly name = "NotSentError";
}

/** One HTTP/2 connection that carries many requests. It is pinged while it stands, and destroyed when it does not answer. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #clock: Clock;
  readonly #onFree: () => void;
  readonly #pathPrefix: string;
  readonly #authority: string;
  #active = 0;
  #usable = true;
  #cancelPing: () => void = () => {};

  private constructor(session: ClientHttp2Session, endpoint: HttpsEndpoint, deps: { readonly clock: Clock; readonly onFree: () => void }) {
    this.#session = session;
    this.#clock = deps.clock;
    this.#onFree = deps.onFree;
    const url = new URL(endpoint.url);
    this.#pathPrefix = url.pathname.replace(/\/+$/, "");
    this.#authority = url.host;
    const over = (): void => {
      this.#usable = false;
      this.#cancelPing();
      this.#onFree();
    };
    session.on("goaway", over);
    session.on("close", over);
    session.on("error", over);
    session.on("remoteSettings", () => this.#onFree());
    this.#ping();
  }

  /** `onFree` is called whenever there may be room for another request, or none any more for ever. */
  static open(endpoint: HttpsEndpoint, deps: { readonly clock: Clock; readonly onFree: () => void }): Promise<Http2Connection> {
    return new Promise((resolve, reject) => {
      const session = connect(endpoint.url, tlsOptions(endpoint));
      const cancel = deps.clock.after(CONNECT_WITHIN_MS, () => session.destroy(new Error(`no connection to ${endpoint.url} in time`)));
      const failed = (error: Error): void => {
        cancel();
        session.destroy();
        reject(error);
      };
      const closed = (): void => failed(new Error(`connection to ${endpoint.url} was closed`));
      // One more listener, since an error that nobody hears ends the process.
      session.on("error", () => {});
      session.once("error", failed);
      session.once("close", closed);
      session.once("connect", () => {
        cancel();
        session.off("error", failed);
        session.off("close", closed);
        resolve(new Http2Connection(session, endpoint, deps));
      });
    });
  }

  /** Whether new requests may be sent on it at all. */
  get usable(): boolean {
    return this.#usable && !this.#session.closed && !this.#session.destroyed;
  }

  get hasRoom(): boolean {
    const limit = this.#session.remoteSettings?.maxConcurrentStreams ?? STREAMS_ASSUMED;
    return this.usable && this.#active < limit;
  }

  /** Keeps room for one request, which must follow: those who wait are many, and all look at once. */
  reserve(): void {
    this.#active += 1;
  }

  /** After reserve(). Resolves with the answer's head; rejects with NotSentError when another connection may be tried. */
  request(request: HttpRequest, token: string | undefined): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { signal } = request;
      let stream: ClientHttp2Stream;
      try {
        signal?.throwIfAborted();
        if (!this.usable) throw new NotSentError("connection closed");
        stream = this.#session.request(
          {
            ":method": request.method,
            ":path": this.#pathPrefix + request.path,
            ":authority": this.#authority,
            ...request.headers,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(request.body === undefined ? {} : { "content-length": String(request.body.length) }),
          },
          { endStream: request.body === undefined },
        );
      } catch (error) {
        this.#active -= 1;
        reject(asError(error));
        return;
      }
      const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
      signal?.addEventListener("abort", cancel, { once: true });
      let failure: Error | undefined;
      stream.on("error", (error) => {
        failure = error;
      });
      stream.once("close", () => {
        signal?.removeEventListener("abort", cancel);
        this.#active -= 1;
        this.#onFree();
        // After the head this changes nothing any more.
        if (signal?.aborted === true) reject(asError(signal.reason));
        else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) reject(new NotSentError("the server refused the stream"));
        else reject(failure ?? new Error(`connection to ${this.#authority} was closed before an answer came`));
      });
      const whole = (): Promise<Uint8Array> => wholeBody(stream, signal, () => failure ?? new Error(`connection to ${this.#authority} was closed before the answer's end`));
      stream.once("response", (headers) => resolve({ status: headers[":status"] ?? 0, headers: plainHeaders(headers), body: bodyOf(stream, signal), whole }));
      if (request.body !== undefined) stream.end(request.body);
    });
  }

  get isOver(): boolean {
    return this.#session.destroyed;
  }

  /** Takes no more requests, and ends with the last of those under way. */
  retire(): void {
    this.#usable = false;
    this.#session.close();
  }

  destroy(): void {
    this.#usable = false;
    this.#cancelPing();
    this.#session.destroy();
  }

  /** @upstream golang.org/x/net/http2 ReadIdleTimeout 30 s, PingTimeout 15 s */
  #ping(): void {
    this.#cancelPing = this.#clock.after(PING_EVERY_MS, () => {
      if (this.#session.destroyed) return;
      const cancel = this.#clock.after(PING_WITHIN_MS, () => this.#session.destroy(new Error(`${this.#authority} does not answer`)));
      this.#cancelPing = cancel;
      this.#session.ping((error) => {
        cancel();
        if (error === null && !this.#session.destroyed) this.#ping();
      });
    });
  }
}

function tlsOptions(endpoint: HttpsEndpoint): SecureClientSessionOptions {
  return {
    ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
    ...(endpoint.certificate === undefined ? {} : { cert: endpoint.certificate }),
    ...(endpoint.privateKey === undefined ? {} : { key: endpoint.privateKey }),
    ...(endpoint.serverName === undefined ? {} : { servername: endpoint.serverName }),
    rejectUnauthorized: endpoint.skipVerify !== true,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
  };
}

function plainHeaders(headers: IncomingHttpHeaders): HttpAnswer["headers"] {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith(":") && value !== undefined) plain[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return plain;
}

async function* bodyOf(stream: ClientHttp2Stream, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error;
  } finally {
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
  // A stream that we cancelled may end without an error.
  if (signal?.aborted === true) throw signal.reason;
}

/** Reads until the stream is closed, since a reset may come after the last byte. */
function wholeBody(stream: ClientHttp2Stream, signal: AbortSignal | undefined, failure: () => Error): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const over = (): void => {
      if (signal?.aborted === true) reject(asError(signal.reason));
      else if (!stream.readableEnded || stream.rstCode !== constants.NGHTTP2_NO_ERROR) reject(failure());
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    if (stream.destroyed) {
      over();
      return;
    }
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.once("close", over);
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
