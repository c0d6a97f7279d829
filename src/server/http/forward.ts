import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest, ServerResponse } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { failure } from "../../meta/status-error.ts";
import { isIdentityHeader } from "../authn/request-header.ts";
import type { ProxyTarget } from "../../meta/wire.ts";
import { frameByFrame } from "./websocket-frames.ts";
import { offeredProtocols } from "./websocket-message.ts";
import { isWebSocket, streamOverWebSocket } from "./websocket-stream.ts";
import { dialReason } from "../../platform/node/dial-reason.ts";

/** The client certificates that the server can present to those it forwards to. PEM. */
export interface ProxyIdentities {
  readonly [identity: string]: { readonly certificate: string; readonly privateKey: string } | undefined;
}

/** Headers that belong to one hop. RFC 9110 7.6.1 */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "proxy-connection",
]);

const CONNECT_MS = 10_000;
/** How long somebody may take to read the last of what a closed connection has brought. */
const LINGER_MS = 30_000;

/** Who somebody is said to be, and by whom: never passed on as it came. */
const speaksOfIdentity = (name: string): boolean => name === "authorization" || name.startsWith("impersonate-") || isIdentityHeader(name);

function outgoingHeaders(incoming: IncomingHttpHeaders, target: ProxyTarget, upgrade: boolean): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (value === undefined || name.startsWith(":") || (!upgrade && hopByHop.has(name)) || name === "host" || speaksOfIdentity(name)) continue;
    if (name === "sec-websocket-protocol") {
      const protocols = offeredProtocols(String(value));
      if (protocols.length > 0) headers[name] = protocols.join(", ");
    } else headers[name] = value;
  }
  for (const [name, value] of Object.entries(target.headers)) {
    if (value === undefined) delete headers[name];
    else headers[name] = typeof value === "string" ? value : [...value];
  }
  return headers;
}

function open(method: string, incoming: IncomingHttpHeaders, target: ProxyTarget, identities: ProxyIdentities, upgrade: boolean): ClientRequest {
  const identity = identities[target.identity];
  const options: RequestOptions = {
    method,
    host: target.host,
    port: target.port,
    path: target.path,
    headers: outgoingHeaders(incoming, target, upgrade),
    agent: false,
    timeout: CONNECT_MS,
    ...(target.scheme === "http"
      ? {}
      : {
          rejectUnauthorized: target.verify ?? target.ca !== undefined,
          ...(target.ca === undefined ? {} : { ca: target.ca }),
          ...(target.serverName === undefined ? {} : { servername: target.serverName }),
          ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
        }),
  };
  const request = target.scheme === "http" ? httpRequest(options) : httpsRequest(options);
  request.on("timeout", () => {
    const socket = request.socket as (Socket & { readonly secureConnecting?: boolean }) | null;
    if (socket?.connecting !== false || socket.secureConnecting === true) request.destroy(new Error(timedOut(target)));
  });
  return request;
}

function timedOut({ host, port, identity }: ProxyTarget): string {
  return identity === "front-proxy" ? `dial tcp ${host}:${port}: i/o timeout` : `no connection to ${host}:${port} within ${CONNECT_MS / 1000} s`;
}

interface Refusal {
  readonly code: number;
  readonly contentType: string;
  readonly text: string;
}

function unreachable(target: ProxyTarget, error: Error): Refusal {
  // @upstream kube-aggregator/pkg/apiserver/handler_proxy.go responder
  if (target.identity === "front-proxy") return { code: 503, contentType: "text/plain; charset=utf-8", text: `error trying to reach service: ${dialReason(error, target)}\n` };
  const { status } = failure(
    "ServiceUnavailable",
    `error trying to reach ${target.host}:${target.port}: ${error.message}`,
    undefined,
    target.identity === "kubelet-client" ? 500 : 503,
  );
  return { code: status.code ?? 503, contentType: "application/json", text: `${JSON.stringify(status)}\n` };
}

/**
 * A redirect of an aggregated server would have its clients, this one among them, ask somebody else in their own name.
 * @upstream apimachinery/pkg/util/proxy/upgradeaware.go RejectForwardingRedirects
 */
function forbiddenRedirect(target: ProxyTarget, { statusCode = 0, headers }: IncomingMessage): string | undefined {
  const isRedirect = statusCode >= 300 && statusCode < 400 && headers.location !== undefined;
  return isRedirect && target.identity === "front-proxy" ? "the backend attempted to redirect this request, which is not permitted" : undefined;
}

/** Sends a request on and its answer back, both as streams. */
export function forwardRequest(
  source: Readable,
  sink: ServerResponse | ServerHttp2Stream,
  target: ProxyTarget,
  identities: ProxyIdentities,
  given?: { readonly method: string; readonly headers: IncomingHttpHeaders },
): Promise<void> {
  const { method = "GET", headers } = given ?? (source as IncomingMessage);
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      if (sink.destroyed || headersSent(sink)) {
        sink.destroy();
        return;
      }
      const { code, contentType, text } = unreachable(target, error);
      respond(sink, code, { "content-type": contentType });
      sink.end(text);
    };
    let request: ClientRequest;
    try {
      request = open(method, headers, target, identities, false);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      resolve();
      return;
    }
    sink.on("close", () => {
      request.destroy();
      resolve();
    });
    request.on("response", (response) => {
      response.on("error", () => sink.destroy());
      const forbidden = forbiddenRedirect(target, response);
      if (forbidden !== undefined) {
        response.destroy();
        respond(sink, 502, { "content-type": "text/plain; charset=utf-8" });
        sink.end(forbidden);
        return;
      }
      try {
        respond(sink, response.statusCode ?? 502, response.headers);
      } catch (error) {
        // What the target answers is anybody's: a status or header that cannot be passed on must not end the server.
        response.destroy();
        fail(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      response.pipe(sink as Writable);
    });
    // The target switches protocols although nobody asked for it.
    request.on("upgrade", (_response, socket) => {
      socket.destroy();
      fail(new Error("unexpected upgrade"));
    });
    request.on("error", fail);
    if (method === "GET" || method === "HEAD") request.end();
    else source.pipe(request);
  });
}

function headersSent(sink: ServerResponse | ServerHttp2Stream): boolean {
  return sink.headersSent;
}

function respond(sink: ServerResponse | ServerHttp2Stream, status: number, headers: IncomingHttpHeaders): void {
  const clean: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !hopByHop.has(name)) clean[name] = value;
  if (sink instanceof ServerResponse) {
    sink.writeHead(status, clean);
    sink.flushHeaders();
  } else sink.respond({ ":status": status, ...clean });
}

/** Sends an upgrade on; when the target switches protocols, the two sockets are joined. */
export function forwardUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, target: ProxyTarget, identities: ProxyIdentities): void {
  // Kubelets switch no protocol for a log: who can only speak WebSocket gets it from here.
  const isLog = target.identity === "kubelet-client" && target.path.startsWith("/containerLogs/") && isWebSocket(incoming);
  const request = open(incoming.method ?? "GET", incoming.headers, target, identities, !isLog);
  socket.on("close", () => request.destroy());
  request.on("upgrade", (response, upstream, upstreamHead) => {
    upstream.setNoDelay(true);
    upstream.setTimeout(0);
    // What has come is still written; only who breaks off breaks off the other side.
    const over = (): void => (upstream.readableEnded ? endSoon(socket) : void socket.destroy());
    upstream.on("error", over);
    upstream.on("close", over);
    socket.on("close", () => upstream.destroy());
    if (head.length > 0) upstream.write(head);
    const sink = isWebSocket(response) ? frameByFrame(socket) : socket;
    // A record of its own for the head, too.
    socket.write(headText(response, 101), () => {
      if (upstreamHead.length > 0) sink.write(upstreamHead);
      upstream.pipe(sink);
    });
    socket.pipe(upstream);
  });
  request.on("response", (response) => {
    const forbidden = forbiddenRedirect(target, response);
    if (forbidden !== undefined) {
      response.destroy();
      socket.end(`HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${forbidden.length}\r\nConnection: close\r\n\r\n${forbidden}`);
      return;
    }
    if (isLog && response.statusCode === 200) {
      streamOverWebSocket(incoming, socket, head, { chunks: response, messages: "chunks" }).catch(() => socket.destroy());
      return;
    }
    socket.write(headText(response, response.statusCode ?? 502));
    response.pipe(socket);
  });
  request.on("error", (error) => {
    if (socket.destroyed) return;
    const { code, contentType, text } = unreachable(target, error);
    socket.end(`HTTP/1.1 ${code} Error\r\nContent-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
  });
  request.end();
}

/** The other side closes once it has read all; one that does not is not waited for. */
function endSoon(socket: Duplex): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

function headText(response: IncomingMessage, status: number): string {
  let text = `HTTP/1.1 ${status} ${response.statusMessage ?? ""}\r\n`;
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index] ?? "";
    // The body is piped decoded: its chunks are not.
    if (name.toLowerCase() !== "transfer-encoding") text += `${name}: ${response.rawHeaders[index + 1] ?? ""}\r\n`;
  }
  return `${text}${status === 101 ? "" : "Connection: close\r\n"}\r\n`;
}
