import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect, constants } from "node:http2";
import { FrameReader, frame } from "./grpc-frames.ts";

/** PEM texts. Without `ca` the system's authorities count. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must carry, when it is not the endpoint's host. */
  readonly serverName?: string;
}

/** The status codes of gRPC that are looked at. */
export const grpcCodes = { cancelled: 1, unknown: 2, invalidArgument: 3, deadlineExceeded: 4, resourceExhausted: 8, outOfRange: 11, internal: 13, unavailable: 14 } as const;

export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  /** The server may have acted on the request. */
  readonly sent: boolean;

  constructor(code: number, message: string, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.sent = options.sent;
  }
}

const WINDOW_BYTES = 16 * 1024 * 1024;
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_MEMORY_MB = 512;
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_ANSWER_MS = 5_000;

/** One HTTP/2 connection that carries gRPC calls of encoded messages. */
export class GrpcConnection {
  readonly endpoint: string;
  readonly #session: ClientHttp2Session;
  readonly #keepalive: NodeJS.Timeout;

  private constructor(endpoint: string, session: ClientHttp2Session) {
    this.endpoint = endpoint;
    this.#session = session;
    session.on("error", () => {});
    this.#keepalive = setInterval(() => this.#ping(), KEEPALIVE_MS);
    this.#keepalive.unref();
    session.once("close", () => clearInterval(this.#keepalive));
  }

  /** `endpoint` is `http://HOST:PORT` or `https://HOST:PORT`. Rejects with GrpcError `unavailable`. */
  static open(endpoint: string, options: { readonly tls?: TlsOptions; readonly timeoutMs: number }): Promise<GrpcConnection> {
    const { ca, cert, key, serverName } = options.tls ?? {};
    return new Promise((resolve, reject) => {
      const session = connect(endpoint, {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(serverName === undefined ? {} : { servername: serverName }),
        maxSessionMemory: SESSION_MEMORY_MB,
        settings: { initialWindowSize: STREAM_WINDOW_BYTES, enablePush: false },
      });
      const fail = (cause: unknown): void => {
        clearTimeout(timer);
        session.destroy();
        reject(new GrpcError(grpcCodes.unavailable, `${endpoint}: ${problemOf(cause)}`, { sent: false, cause }));
      };
      const closed = (): void => fail("the connection was closed");
      const timer = setTimeout(() => fail("no answer"), options.timeoutMs);
      session.on("error", fail);
      session.on("close", closed);
      session.once("connect", () => {
        clearTimeout(timer);
        const connection = new GrpcConnection(endpoint, session);
        session.off("error", fail);
        session.off("close", closed);
        session.setLocalWindowSize(WINDOW_BYTES);
        resolve(connection);
      });
    });
  }

  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  unary(path: string, message: Uint8Array, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream;
      try {
        stream = this.#request(path, timeoutMs);
      } catch (cause) {
        reject(new GrpcError(grpcCodes.unavailable, `${this.endpoint}: the connection is gone`, { sent: false, cause }));
        return;
      }
      const status = new StatusOf(stream, this.endpoint);
      const reader = new FrameReader();
      let answer: Buffer | undefined;
      const timer = setTimeout(() => {
        status.fail(new GrpcError(grpcCodes.deadlineExceeded, `${this.endpoint}: no answer within ${timeoutMs} ms`, { sent: true }));
        stream.close(constants.NGHTTP2_CANCEL);
      }, timeoutMs);
      stream.on("data", (chunk: Buffer) => {
        try {
          answer = reader.push(chunk)[0] ?? answer;
        } catch (cause) {
          status.fail(new GrpcError(grpcCodes.internal, `${this.endpoint}: the answer is malformed`, { sent: true, cause }));
          stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
        }
      });
      stream.once("close", () => {
        clearTimeout(timer);
        const error = status.outcome();
        if (error !== undefined) reject(error);
        else if (answer === undefined) reject(new GrpcError(grpcCodes.internal, `${this.endpoint}: the answer is empty`, { sent: true }));
        else resolve(answer);
      });
      stream.end(frame(message));
    });
  }

  /** Sends one message and yields what comes back until the server ends, or the signal aborts. Unread messages hold up the server. */
  async *stream(path: string, message: Uint8Array, signal: AbortSignal): AsyncGenerator<Buffer> {
    if (signal.aborted) return;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#request(path);
    } catch (cause) {
      throw new GrpcError(grpcCodes.unavailable, `${this.endpoint}: the connection is gone`, { sent: false, cause });
    }
    const status = new StatusOf(stream, this.endpoint);
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener("abort", cancel, { once: true });
    const reader = new FrameReader();
    try {
      stream.write(frame(message));
      for await (const chunk of stream) {
        for (const received of reader.push(chunk as Buffer)) {
          if (signal.aborted) return;
          yield received;
        }
      }
    } catch (cause) {
      if (signal.aborted) return;
      throw status.outcome() ?? new GrpcError(grpcCodes.unavailable, `${this.endpoint}: the stream broke off`, { sent: true, cause });
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    if (signal.aborted) return;
    const error = status.outcome();
    if (error !== undefined) throw error;
  }

  close(): void {
    this.#session.destroy();
  }

  #request(path: string, timeoutMs?: number): ClientHttp2Stream {
    return this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc+proto",
      te: "trailers",
      // A member that has lost its leader must say so instead of waiting.
      hasleader: "true",
      ...(timeoutMs === undefined ? {} : { "grpc-timeout": `${timeoutMs}m` }),
    });
  }

  #ping(): void {
    if (!this.usable) return;
    const late = setTimeout(() => this.#session.destroy(new Error("no answer to a ping")), KEEPALIVE_ANSWER_MS);
    late.unref();
    try {
      this.#session.ping(() => clearTimeout(late));
    } catch {
      clearTimeout(late);
    }
  }
}

/** How a call ended: gRPC tells it in the trailers, or in the headers when there is no body; HTTP/2 when it broke. */
class StatusOf {
  readonly #stream: ClientHttp2Stream;
  readonly #endpoint: string;
  #headers: IncomingHttpHeaders = {};
  #trailers: IncomingHttpHeaders = {};
  #error: unknown;

  constructor(stream: ClientHttp2Stream, endpoint: string) {
    this.#stream = stream;
    this.#endpoint = endpoint;
    stream.once("response", (headers) => {
      this.#headers = headers;
    });
    stream.once("trailers", (trailers) => {
      this.#trailers = trailers;
    });
    stream.on("error", (error) => {
      this.#error ??= error;
    });
  }

  fail(error: GrpcError): void {
    this.#error ??= error;
  }

  outcome(): GrpcError | undefined {
    if (this.#error instanceof GrpcError) return this.#error;
    const told = this.#trailers["grpc-status"] ?? this.#headers["grpc-status"];
    if (told !== undefined) {
      const code = Number(told);
      const message = unescape(String(this.#trailers["grpc-message"] ?? this.#headers["grpc-message"] ?? ""));
      return code === 0 ? undefined : new GrpcError(code, message, { sent: true });
    }
    const sent = this.#stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM;
    const http = this.#headers[":status"];
    const problem = http !== undefined && Number(http) !== 200 ? `HTTP status ${String(http)}` : "the connection broke";
    return new GrpcError(grpcCodes.unavailable, `${this.#endpoint}: ${problem}`, { sent, cause: this.#error });
  }
}

/** gRPC writes bytes that are not printable as `%XX`. */
function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A failed connection to several addresses has no message of its own, only a code. */
function problemOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === "" ? String((cause as NodeJS.ErrnoException).code) : cause.message;
}
