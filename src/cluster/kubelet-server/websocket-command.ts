import type { Duplex } from "node:stream";
import { duplexBytes } from "../../platform/node/duplex-bytes.ts";
import { SpdyConnection } from "../../platform/streams/spdy-connection.ts";
import { type ChannelMessage, type ChannelProtocol, channels, chooseProtocol, decodeMessage, encodeMessage, offeredProtocols } from "./channel-protocol.ts";
import { HttpFailure } from "./http-failure.ts";
import type { UpgradeRequest } from "./pass-through.ts";
import { brokenStatus, type CommandCaller, type CommandStreams, failureText, joinCommand, openCommandStreams, remoteCommandProtocol } from "./remote-command.ts";
import { dialSpdy } from "./spdy-dial.ts";
import type { CommandTarget, StreamOptions } from "./stream-target.ts";
import { sendMessage } from "../../server/http/websocket-message.ts";
import { acceptWebSocket, type AcceptedWebSocket } from "./web-socket.ts";

/**
 * Serves exec or attach over a WebSocket by SPDY towards the runtime. What the runtime refuses at once is an HTTP answer;
 * the WebSocket is accepted before the streams are opened, with which the command begins: a caller needs that moment.
 */
export async function websocketCommand(upgrade: UpgradeRequest, { url, options }: CommandTarget): Promise<void> {
  const offered = offeredProtocols(upgrade.request.headers["sec-websocket-protocol"]);
  const protocol = chooseProtocol(offered);
  if (protocol === undefined) throw new HttpFailure(400, `unable to upgrade: none of the protocols [${offered.join(" ")}] is known`);
  const gone = new AbortController();
  upgrade.socket.once("close", () => gone.abort(new Error("the caller went away")));
  const { socket, head } = await dialSpdy(url, [remoteCommandProtocol], gone.signal);
  gone.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const connection = new SpdyConnection({ role: "client" }, { bytes: duplexBytes(socket, head) });
  const running = connection.run();
  try {
    await converse(await acceptWebSocket(upgrade, { protocol: protocol.name, whole: true }), { protocol, connection, options });
  } finally {
    connection.destroy();
    await running;
  }
}

interface Conversation {
  readonly protocol: ChannelProtocol;
  readonly connection: SpdyConnection;
  readonly options: StreamOptions;
}

async function converse({ webSocket, messages }: AcceptedWebSocket, { protocol, connection, options }: Conversation): Promise<void> {
  const send = (message: ChannelMessage): Promise<void> => sendMessage(webSocket, encodeMessage(protocol, message));
  try {
    const status = await outcome(connection, options, { messages: decoded(messages, protocol), closes: protocol.closes, send });
    const failed = failureText(status);
    if (protocol.status) await send({ channel: channels.error, bytes: status });
    else if (failed !== undefined) await send({ channel: channels.error, bytes: Buffer.from(failed) });
    webSocket.close(1000);
  } catch {
    // Only a caller that is gone comes here: there is nobody left to tell.
    webSocket.terminate();
  }
}

async function outcome(connection: SpdyConnection, options: StreamOptions, caller: CommandCaller): Promise<Uint8Array> {
  let streams: CommandStreams;
  try {
    streams = await openCommandStreams(connection, options);
  } catch (error) {
    return brokenStatus(error);
  }
  // Tells old callers that the command has begun.
  const lowest = options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error;
  await caller.send({ channel: lowest, bytes: new Uint8Array() });
  return joinCommand(streams, caller);
}

async function* decoded(messages: Duplex, protocol: ChannelProtocol): AsyncGenerator<ChannelMessage> {
  for await (const message of messages.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
    const known = decodeMessage(protocol, message);
    if (known !== undefined) yield known;
  }
}
