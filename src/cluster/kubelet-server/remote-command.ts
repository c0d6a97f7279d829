import type { SpdyConnection } from "../../platform/streams/spdy-connection.ts";
import type { SpdyStream } from "../../platform/streams/spdy-stream.ts";
import { internalError } from "../../meta/status-error.ts";
import { type ChannelMessage, channels } from "./channel-protocol.ts";
import type { StreamOptions } from "./stream-target.ts";

/** The protocol of remote commands that the runtime is spoken to in. */
export const remoteCommandProtocol = "v4.channel.k8s.io";

const mostStatusBytes = 65_536;

/** The streams of one command at the runtime, in the order in which they are opened. */
export interface CommandStreams {
  readonly error: SpdyStream;
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  readonly resize: SpdyStream | undefined;
}

/** The runtime begins when all streams that it was asked for are there. */
export async function openCommandStreams(connection: SpdyConnection, { stdin, stdout, stderr, tty }: StreamOptions): Promise<CommandStreams> {
  const open = (streamtype: string): Promise<SpdyStream> => connection.open({ streamtype });
  return {
    error: await open("error"),
    stdin: stdin ? await open("stdin") : undefined,
    stdout: stdout ? await open("stdout") : undefined,
    stderr: stderr ? await open("stderr") : undefined,
    resize: tty ? await open("resize") : undefined,
  };
}

export interface CommandCaller {
  readonly messages: AsyncIterable<ChannelMessage>;
  /** `[255, channel]` ends a channel. */
  readonly closes: boolean;
  send(message: ChannelMessage): Promise<void>;
}

/**
 * Joins a caller's channels with a command's streams until the command is over. Resolves with the Status that the
 * runtime ends it with, as JSON, after all output has been sent; rejects when the caller goes away before.
 */
export async function joinCommand(streams: CommandStreams, caller: CommandCaller): Promise<Uint8Array> {
  const status = statusOf(streams.error);
  const output = Promise.all([
    copy(streams.stdout, (bytes) => caller.send({ channel: channels.stdout, bytes })),
    copy(streams.stderr, (bytes) => caller.send({ channel: channels.stderr, bytes })),
  ]);
  const gone = takeInput(streams, caller).then(() => {
    throw new Error("the caller went away");
  });
  const over = output.then(() => status);
  // Whichever is later must not be a rejection that nobody hears.
  gone.catch(() => {});
  over.catch(() => {});
  return Promise.race([over, gone]);
}

async function takeInput({ stdin, resize }: CommandStreams, { messages, closes }: CommandCaller): Promise<void> {
  for await (const { channel, bytes } of messages) {
    try {
      if (channel === channels.stdin) await stdin?.write(bytes);
      else if (channel === channels.resize) await resize?.write(bytes);
      else if (closes && channel === channels.close && bytes[0] === channels.stdin) stdin?.end();
    } catch {
      // A command that has closed its input goes on; what is sent to it is lost, as in a pipe.
    }
  }
}

async function copy(stream: SpdyStream | undefined, send: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const reader = stream?.[Symbol.asyncIterator]();
  for (;;) {
    // A connection that breaks ends the output; the status tells of it.
    const next = await reader?.next().catch(() => undefined);
    if (next === undefined || next.done === true) return;
    await send(next.value);
  }
}

async function statusOf(error: SpdyStream): Promise<Uint8Array> {
  let text = Buffer.of();
  try {
    for await (const bytes of error) {
      text = Buffer.concat([text, bytes]);
      if (text.length > mostStatusBytes) break;
    }
  } catch (broken) {
    if (text.length === 0) return brokenStatus(broken);
  }
  return text.length > 0 ? text : jsonBytes({ metadata: {}, status: "Success" });
}

/** The Status of a command whose runtime cannot be talked to. */
export function brokenStatus(error: unknown): Uint8Array {
  return jsonBytes(internalError(error).status);
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** What a failed command's error channel said before version 4; undefined when it did not fail. */
export function failureText(status: Uint8Array): string | undefined {
  const text = Buffer.from(status).toString();
  try {
    const parsed = JSON.parse(text) as { readonly status?: string; readonly message?: string };
    return parsed.status === "Success" ? undefined : (parsed.message ?? text);
  } catch {
    return text;
  }
}
