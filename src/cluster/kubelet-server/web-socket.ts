import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { UpgradeRequest } from "./pass-through.ts";

const mostMessageBytes = 16 << 20;

export interface AcceptedWebSocket {
  readonly webSocket: WebSocket;
  /** Its messages from the first one on, taken no faster than they are read: bytes, or when `whole` one message at a time. */
  readonly messages: Duplex;
}

export interface AcceptOptions {
  /** What was chosen; empty: none is named. */
  readonly protocol: string;
  readonly whole: boolean;
}

/** Ends the handshake. Rejects when the caller is gone or the handshake is not one. */
export function acceptWebSocket({ request, socket, head }: UpgradeRequest, { protocol, whole }: AcceptOptions): Promise<AcceptedWebSocket> {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: mostMessageBytes });
  // Kubernetes' names of tunnels have a slash, which the library refuses as it should: they go around it.
  delete request.headers["sec-websocket-protocol"];
  if (protocol !== "") server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error("the caller went away"));
    if (socket.destroyed) gone();
    socket.once("close", gone);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => webSocket.terminate());
      const messages = createWebSocketStream(webSocket, whole ? { readableObjectMode: true, readableHighWaterMark: 16 } : {});
      messages.on("error", () => messages.destroy());
      resolve({ webSocket, messages });
    });
  });
}
