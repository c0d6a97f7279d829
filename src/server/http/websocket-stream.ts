import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { offeredProtocols, sendMessage } from "./websocket-message.ts";

/** Whether the caller wants to speak WebSocket, as browsers do. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

export interface Streamed {
  readonly chunks: AsyncIterable<Uint8Array>;
  /**
   * What a message is: a line (JSON events), a frame without its length (protobuf events), or whatever comes (logs).
   * @upstream apiserver/pkg/endpoints/handlers/watch.go HandleWS, apimachinery/pkg/util/httpstream/wsstream/stream.go
   */
  readonly messages: "lines" | "frames" | "chunks";
}

/** Nobody has anything to say here; what is said is not looked at. */
const MOST_HEARD = 4096;
const base64Protocol = "base64.binary.k8s.io";

/** Answers an upgrade with a stream, one message after the other, until either side ends it. */
export async function streamOverWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, { chunks, messages }: Streamed): Promise<void> {
  const offered = offeredProtocols(request.headers["sec-websocket-protocol"]);
  if (offered.length > 1) {
    const text = "the client must offer one WebSocket protocol at the most";
    socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
    return;
  }
  const [protocol] = offered;
  const webSocket = await accepted(request, socket, head, protocol);
  webSocket.on("error", () => webSocket.terminate());
  const pieces = messages === "lines" ? linesOf(chunks) : messages === "frames" ? framesOf(chunks) : chunks;
  const textForm = messages === "lines" ? "utf8" : messages === "chunks" && protocol === base64Protocol ? "base64" : undefined;
  try {
    for await (const piece of pieces) {
      if (webSocket.readyState !== webSocket.OPEN) break;
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      await sendMessage(webSocket, textForm === undefined ? bytes : bytes.toString(textForm));
    }
    webSocket.close(1000);
  } catch {
    webSocket.terminate();
  }
}

function accepted(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string | undefined): Promise<WebSocket> {
  const handleProtocols = (): string | false => protocol ?? false;
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MOST_HEARD, handleProtocols });
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error("the caller went away"));
    if (socket.destroyed) gone();
    socket.once("close", gone);
    server.handleUpgrade(request, socket, head, resolve);
  });
}

/** Lines without their ends, wherever chunks begin. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a, from)) {
      if (end > from) yield rest.subarray(from, end);
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
  if (rest.length > 0) yield rest;
}

/** What stands behind each length of four bytes. */
async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32BE(0);
      if (rest.length < end) break;
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
}
