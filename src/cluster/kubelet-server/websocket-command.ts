import { createWebSocketStream, type WebSocket } from "ws";
import { duplexBytes } from "../../platform/node/duplex-bytes.ts";
import { SpdyConnection } from "../../platform/streams/spdy-connection.ts";
import { type ChannelMessage, type ChannelProtocol, channels, chooseProtocol, decodeMessage, encodeMessage, offeredProtocols } from "./channel-protocol.ts";
import { HttpFailure } from "./http-failure.ts";
import type { UpgradeRequest } from "./pass-through.ts";
import { failureText, joinCommand, openCommandStreams, remoteCommandProtocol } from "./remote-command.ts";
import { dialSpdy } from "./spdy-dial.ts";
import type { StreamOptions } from "./stream-target.ts";
import { acceptWebSocket, sendMessage } from "./web-socket.ts";

/**
 * Serves exec or attach over a WebSocket by SPDY towards the runtime. The WebSocket is only accepted when the runtime
 * has taken the command, so that what fails before is an HTTP answer.
 */
export async function websocketCommand(upgrade: UpgradeRequest, target: URL, options: StreamOptions): Promise<void> {
  const offered = offeredProtocols(upgrade.request.headers["sec-websocket-protocol"]);
  const protocol = chooseProtocol(offered);
  if (protocol === undefined) throw new HttpFailure(400, `unable to upgrade: none of the protocols [${offered.join(" ")}] is known`);
  const gone = new AbortController();
  upgrade.socket.once("close", () => gone.abort(new Error("the caller went away")));
  const { socket, head } = await dialSpdy(target, [remoteCommandProtocol], gone.signal);
  gone.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const connection = new SpdyConnection({ role: "client" }, { bytes: duplexBytes(socket, head) });
  const running = connection.run();
  try {
    const streams = await openCommandStreams(connection, options);
    const webSocket = await acceptWebSocket(upgrade, protocol.name);
    await serve(webSocket, { protocol, options, join: (caller) => joinCommand(streams, caller) });
  } finally {
    connection.destroy();
    await running;
  }
}

interface Serving {
  readonly protocol: ChannelProtocol;
  readonly options: StreamOptions;
  join(caller: Parameters<typeof joinCommand>[1]): Promise<Uint8Array>;
}

async function serve(webSocket: WebSocket, { protocol, options, join }: Serving): Promise<void> {
  const send = (message: ChannelMessage): Promise<void> => sendMessage(webSocket, encodeMessage(protocol, message));
  try {
    const messages = messagesOf(webSocket, protocol);
    // Tells old callers that the command has begun.
    await send({ channel: options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error, bytes: new Uint8Array() });
    const status = await join({ messages, closes: protocol.closes, send });
    const failed = failureText(status);
    if (protocol.status) await send({ channel: channels.error, bytes: status });
    else if (failed !== undefined) await send({ channel: channels.error, bytes: Buffer.from(failed) });
    webSocket.close(1000);
  } catch {
    // Only a caller that is gone comes here: there is nobody left to tell.
    webSocket.terminate();
  }
}

async function* messagesOf(webSocket: WebSocket, protocol: ChannelProtocol): AsyncGenerator<ChannelMessage> {
  const messages = createWebSocketStream(webSocket, { readableObjectMode: true, readableHighWaterMark: 16 });
  messages.on("error", () => messages.destroy());
  for await (const message of messages.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
    const decoded = decodeMessage(protocol, message);
    if (decoded !== undefined) yield decoded;
  }
}
