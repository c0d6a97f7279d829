import { offeredProtocols } from "./channel-protocol.ts";
import type { UpgradeRequest } from "./pass-through.ts";
import { dialSpdy } from "./spdy-dial.ts";
import { acceptWebSocket } from "./web-socket.ts";

/** Before the name of a protocol within SPDY: that SPDY's bytes are the WebSocket's messages. @upstream portforward/constants.go WebsocketsSPDYTunnelingPrefix */
const tunnelPrefix = "SPDY/3.1+";

/** The protocols within SPDY that the caller would tunnel; none when it wants something else. */
export function tunnelledProtocols({ request }: UpgradeRequest): readonly string[] {
  return offeredProtocols(request.headers["sec-websocket-protocol"])
    .filter((name) => name.startsWith(tunnelPrefix))
    .map((name) => name.slice(tunnelPrefix.length));
}

/** Joins a WebSocket whose messages are SPDY's bytes with the runtime's streaming server. */
export async function websocketTunnel(upgrade: UpgradeRequest, target: URL, protocols: readonly string[]): Promise<void> {
  const gone = new AbortController();
  upgrade.socket.once("close", () => gone.abort(new Error("the caller went away")));
  const { socket, head, protocol } = await dialSpdy(target, protocols, gone.signal);
  gone.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const name = protocol === "" ? (protocols[0] ?? "") : protocol;
  const { webSocket, messages } = await acceptWebSocket(upgrade, { protocol: `${tunnelPrefix}${name}`, whole: false });
  messages.on("close", () => socket.destroy());
  if (head.length > 0) messages.write(head);
  messages.pipe(socket);
  socket.pipe(messages, { end: false });
  // The caller takes only this code for an end in order.
  socket.on("end", () => webSocket.close(1000));
  socket.on("close", () => webSocket.close(1000));
}
