import type { WebSocket } from "ws";

/** Resolves when the system has taken the message. */
export function sendMessage(webSocket: WebSocket, message: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    webSocket.send(message, { binary: typeof message !== "string" }, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/**
 * The protocols that a `Sec-WebSocket-Protocol` offers. Not among them is the caller's token, which browsers offer as one: it is
 * for this server alone. @upstream apiserver/pkg/authentication/request/websocket
 */
export function offeredProtocols(header: string | undefined): readonly string[] {
  const names = (header ?? "").split(",").map((name) => name.trim());
  return names.filter((name) => name !== "" && !name.startsWith("base64url.bearer.authorization.k8s.io."));
}
