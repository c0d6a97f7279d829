import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { Logger } from "../../base/log.ts";
import type { ApiRequest, ApiResponse, Caller, Handle } from "../../meta/wire.ts";
import { CertificateAuthorities } from "./certificate-authorities.ts";
import { requestBody } from "./request-body.ts";
import { forwardRequest, forwardUpgrade, type ProxyIdentities } from "./forward.ts";
import { type Authorities, proofOf } from "./peer-certificate.ts";
import { RequestWaiter } from "./request-waiter.ts";
import { isWebSocket, streamOverWebSocket } from "./websocket-stream.ts";
import { drained, isCompressed, writeHttp1, writeHttp2 } from "./write-response.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM */
  readonly certificate: string;
  readonly privateKey: string;
  /** PEM bundle of those who may sign client certificates. */
  readonly clientCa: string;
  /** PEM bundle of those who may sign the certificates of front proxies; absent: nobody's headers say who asks. */
  readonly frontProxyCa?: string | undefined;
}

export interface ListenerDeps {
  readonly handle: Handle;
  readonly identities: ProxyIdentities;
  readonly log: Logger;
}

type NetworkCaller = Extract<Caller, { type: "network" }>;

const IDLE_MS = 120_000;
const MAX_STREAMS = 250;
const MAX_HEADER_BYTES = 1 << 20;

/**
 * One TLS port for HTTP/1.1, HTTP/2 and upgrades: a thin shell around `handle`. `closeGracefully` takes no more
 * connections, ends idle ones and watches, and lets requests under way finish.
 */
export class Listener {
  readonly #deps: ListenerDeps;
  readonly #sockets = new Set<Socket>();
  readonly #callers = new WeakMap<TLSSocket, NetworkCaller>();
  /** Those whose answer lasts: watches, logs. */
  readonly #streaming = new Set<RequestWaiter>();
  readonly #stopping = new AbortController();
  readonly #authorities: Authorities;
  readonly #context: SecureContextOptions;
  readonly #tls;
  readonly #http1;
  readonly #http2;

  constructor(options: Omit<ListenerOptions, "host" | "port">, deps: ListenerDeps) {
    this.#deps = deps;
    const { clientCa, frontProxyCa } = options;
    const ca = frontProxyCa === undefined ? clientCa : [clientCa, frontProxyCa];
    const context = { cert: options.certificate, key: options.privateKey, ca, minVersion: "TLSv1.2" } satisfies SecureContextOptions;
    this.#context = context;
    this.#authorities = { clients: new CertificateAuthorities(clientCa), frontProxies: frontProxyCa === undefined ? undefined : new CertificateAuthorities(frontProxyCa) };
    this.#http1 = createHttpServer(
      { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 120_000, headersTimeout: 32_000, requestTimeout: 120_000 },
      (request, response) => void this.#onHttp1(request, response),
    );
    // The server's own check of headersTimeout and requestTimeout begins when it listens, which it never does: connections are handed to it.
    this.#http1.emit("listening");
    this.#http1.on("upgrade", (request, socket, head) => void this.#onUpgrade(request, socket, head));
    this.#http1.on("clientError", (_error, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request");
      else socket.destroy();
    });
    this.#http2 = createHttp2Server({ settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1 << 20, maxHeaderListSize: MAX_HEADER_BYTES }, maxSessionMemory: 64 });
    this.#http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]) => void this.#onHttp2(stream, headers, raw));
    this.#http2.on("session", (session) => {
      session.setLocalWindowSize(8 << 20);
      session.on("error", () => session.destroy());
      const stop = (): void => session.close();
      this.#stopping.signal.addEventListener("abort", stop, { once: true });
      session.on("close", () => this.#stopping.signal.removeEventListener("abort", stop));
      let streams = 0;
      session.on("stream", (stream) => {
        streams += 1;
        stream.on("close", () => {
          streams -= 1;
        });
      });
      // A watch may be silent for long; a connection without any request may not.
      session.setTimeout(IDLE_MS, () => {
        if (streams === 0) session.close(() => session.destroy());
      });
    });
    this.#http2.on("sessionError", () => {});
    this.#tls = createTlsServer({ ...context, ALPNProtocols: ["h2", "http/1.1"], requestCert: true, rejectUnauthorized: false, handshakeTimeout: 10_000 }, (socket) =>
      this.#onSecure(socket),
    );
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** Resolves the address listened on; rejects with the system's error (EADDRINUSE). */
  listen({ host, port }: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#tls.once("error", reject);
      this.#tls.listen(port, host, () => {
        this.#tls.off("error", reject);
        this.#tls.on("error", (error) => this.#deps.log.error("listener failed", { error }));
        resolve(this.#tls.address() as AddressInfo);
      });
    });
  }

  /** Presents another certificate (PEM) to those who connect from now on. */
  presentCertificate({ certificate, privateKey }: Pick<ListenerOptions, "certificate" | "privateKey">): void {
    this.#tls.setSecureContext({ ...this.#context, cert: certificate, key: privateKey });
  }

  async closeGracefully(withinMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tls.close(() => resolve()));
    this.#stopping.abort(new Error("the server is shutting down"));
    for (const waiter of this.#streaming) waiter.leave();
    this.#http1.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, withinMs);
    const idle = setInterval(() => this.#http1.closeIdleConnections(), 50);
    await closed;
    this.#http1.close();
    clearTimeout(timer);
    clearInterval(idle);
  }

  #onSecure(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setNoDelay(true);
    (socket.alpnProtocol === "h2" ? this.#http2 : this.#http1).emit("connection", socket);
  }

  /** What lasts ends when the server does. */
  #noteStream(waiter: RequestWaiter, { body }: ApiResponse): void {
    if (body.type !== "stream") return;
    if (this.#stopping.signal.aborted) waiter.leave();
    else this.#streaming.add(waiter);
  }

  #endAnswer(waiter: RequestWaiter): void {
    waiter.answered();
    if (this.#streaming.size > 0) this.#streaming.delete(waiter);
  }

  async #onHttp1(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const waiter = new RequestWaiter();
    response.on("close", () => waiter.leave());
    try {
      const api = toApiRequest(request.method ?? "GET", request.url ?? "/", request.headers, request, this.#callerOf(request.socket as TLSSocket), valuesOfHttp1(request));
      const answer = await this.#deps.handle(api, waiter);
      this.#noteStream(waiter, answer);
      if (answer.body.type === "proxy") await forwardRequest(request, response, answer.body.target, this.#deps.identities);
      else {
        const writing = writeHttp1(response, answer, { headOnly: request.method === "HEAD", gzip: isCompressed(answer, request.headers["accept-encoding"]) });
        if (writing !== undefined) await writing;
      }
    } catch (error) {
      this.#deps.log.debug("request ended early", { error });
      response.destroy();
    } finally {
      this.#endAnswer(waiter);
      // An unread body would be taken for the next request.
      if (!request.complete) request.resume();
    }
  }

  async #onHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): Promise<void> {
    const waiter = new RequestWaiter();
    stream.on("close", () => waiter.leave());
    stream.on("error", () => {});
    try {
      const socket = stream.session?.socket as TLSSocket;
      const method = headers[":method"] ?? "GET";
      const api = toApiRequest(method, headers[":path"] ?? "/", headers, stream, this.#callerOf(socket), valuesOfHttp2(raw));
      const answer = await this.#deps.handle(api, waiter);
      this.#noteStream(waiter, answer);
      if (stream.destroyed) return;
      if (answer.body.type === "proxy") await forwardRequest(stream, stream, answer.body.target, this.#deps.identities, { method, headers });
      else {
        const writing = writeHttp2(stream, answer, { headOnly: method === "HEAD", gzip: isCompressed(answer, headers["accept-encoding"]) });
        if (writing !== undefined) await writing;
      }
    } catch (error) {
      this.#deps.log.debug("request ended early", { error });
      if (!stream.destroyed) stream.destroy();
    } finally {
      this.#endAnswer(waiter);
    }
  }

  /** PERF: what is at the other end of a connection is found out once. */
  #callerOf(socket: TLSSocket): NetworkCaller {
    let caller = this.#callers.get(socket);
    if (caller === undefined) {
      caller = { type: "network", address: socket.remoteAddress ?? "", ...proofOf(socket, this.#authorities), upgradable: false };
      this.#callers.set(socket, caller);
    }
    return caller;
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    const waiter = new RequestWaiter();
    socket.on("close", () => waiter.leave());
    try {
      const api = toApiRequest(
        request.method ?? "GET",
        request.url ?? "/",
        request.headers,
        undefined,
        { ...this.#callerOf(request.socket as TLSSocket), upgradable: true },
        valuesOfHttp1(request),
      );
      const answer = await this.#deps.handle(api, waiter);
      if (answer.body.type === "proxy") forwardUpgrade(request, socket, head, answer.body.target, this.#deps.identities);
      else if (answer.body.type === "stream" && isWebSocket(request)) {
        this.#streaming.add(waiter);
        const messages = answer.body.contentType.startsWith("application/json") ? "lines" : "frames";
        await streamOverWebSocket(request, socket, head, { chunks: answer.body.chunks, messages }).finally(() => this.#streaming.delete(waiter));
      } else await refuseUpgrade(socket, answer);
    } catch (error) {
      this.#deps.log.debug("upgrade ended early", { error });
      socket.destroy();
    }
  }
}

/** An answer that is no upgrade, written by hand on the bare socket. */
async function refuseUpgrade(socket: Duplex, { status, body }: ApiResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  let contentType = "text/plain";
  if (body.type === "bytes") {
    chunks.push(...body.chunks);
    contentType = body.contentType;
  } else if (body.type === "stream") {
    // A watch asked for with an upgrade that it does not know: streamed until either side ends.
    socket.write(`HTTP/1.1 ${status} OK\r\nContent-Type: ${body.contentType}\r\nConnection: close\r\n\r\n`);
    for await (const chunk of body.chunks) {
      if (socket.destroyed) break;
      if (!socket.write(chunk)) await drained(socket);
    }
    socket.end();
    return;
  }
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  socket.write(`HTTP/1.1 ${status} Status\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`);
  for (const chunk of chunks) socket.write(chunk);
  socket.end();
}

function toApiRequest(
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
  body: Parameters<typeof requestBody>[0] | undefined,
  caller: Caller,
  values: (name: string) => readonly string[],
): ApiRequest {
  const question = url.indexOf("?");
  return {
    method: method as ApiRequest["method"],
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? "" : url.slice(question + 1),
    headers: headers as ApiRequest["headers"],
    values,
    body: body === undefined || method === "GET" || method === "HEAD" ? { type: "none" } : requestBody(body, headers),
    caller,
  };
}

function valuesOfHttp1(request: IncomingMessage): (name: string) => readonly string[] {
  return (name) => request.headersDistinct[name] ?? [];
}

function valuesOfHttp2(raw: readonly string[]): (name: string) => readonly string[] {
  return (name) => raw.filter((_, index) => index % 2 === 1 && raw[index - 1] === name);
}
