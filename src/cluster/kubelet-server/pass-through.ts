import { type IncomingMessage, request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { HttpFailure, refuseUpgrade } from "./http-failure.ts";

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the caller sent after its request's head. */
  readonly head: Buffer;
}

/** Sends an upgrade on to the runtime's streaming server as it is, and joins the two connections. */
export function passThrough({ request, socket, head }: UpgradeRequest, target: URL): void {
  const { host: _host, ...headers } = request.headers;
  const upstreamRequest = httpRequest(target, { method: request.method ?? "GET", headers, agent: false });
  socket.on("close", () => upstreamRequest.destroy());
  upstreamRequest.on("upgrade", (response, upstream, upstreamHead) => {
    socket.write(headText(response));
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    if (head.length > 0) upstream.write(head);
    join(socket, upstream);
  });
  upstreamRequest.on("response", (response) => {
    socket.write(headText(response));
    response.pipe(socket);
  });
  upstreamRequest.on("error", (error) => refuseUpgrade(socket, new HttpFailure(502, `the container runtime's streaming server does not answer: ${error.message}`)));
  upstreamRequest.end();
}

/** Bytes both ways, with backpressure, until either side is over. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to);
  }
}

function headText({ statusCode = 502, statusMessage = "", rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // A body is passed on decoded: its chunks are not, and it ends with the connection.
    if (statusCode === 101 || !["transfer-encoding", "connection"].includes(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1] ?? ""}`);
  }
  if (statusCode !== 101) lines.push("Connection: close");
  return `${lines.join("\r\n")}\r\n\r\n`;
}
