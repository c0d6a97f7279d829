/** Channels of a remote command over one WebSocket. @upstream apimachinery/pkg/util/remotecommand/constants.go */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** How messages are written, and what the error channel carries. */
export interface ChannelProtocol {
  readonly name: string;
  /** Text messages: the channel's digit, then base64. Otherwise binary ones: the channel's byte, then the bytes. */
  readonly base64: boolean;
  /** The error channel carries a Status; before version 4 it carried a text, and only when something failed. */
  readonly status: boolean;
  /** `[255, channel]` ends a channel. */
  readonly closes: boolean;
}

/** @upstream staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/websocket.go */
const known: readonly ChannelProtocol[] = [
  { name: "v5.channel.k8s.io", base64: false, status: true, closes: true },
  { name: "v4.channel.k8s.io", base64: false, status: true, closes: false },
  { name: "v4.base64.channel.k8s.io", base64: true, status: true, closes: false },
  { name: "channel.k8s.io", base64: false, status: false, closes: false },
  { name: "base64.channel.k8s.io", base64: true, status: false, closes: false },
];
const unnamed: ChannelProtocol = { name: "", base64: false, status: false, closes: false };

/** The first of the caller's protocols that is known; with none offered, the oldest. */
export function chooseProtocol(offered: readonly string[]): ChannelProtocol | undefined {
  if (offered.length === 0) return unnamed;
  return offered.map((name) => known.find((protocol) => protocol.name === name)).find((protocol) => protocol !== undefined);
}

/** What `Sec-WebSocket-Protocol` offers. */
export function offeredProtocols(header: string | undefined): readonly string[] {
  return (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export interface ChannelMessage {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

export function encodeMessage({ base64 }: ChannelProtocol, { channel, bytes }: ChannelMessage): Uint8Array | string {
  return base64 ? `${channel}${Buffer.from(bytes).toString("base64")}` : Buffer.concat([Buffer.of(channel), bytes]);
}

/** Undefined for a message without a channel. */
export function decodeMessage({ base64 }: ChannelProtocol, message: Uint8Array | string): ChannelMessage | undefined {
  const bytes = typeof message === "string" ? Buffer.from(message) : message;
  const [first] = bytes;
  if (first === undefined) return undefined;
  if (!base64) return { channel: first, bytes: bytes.subarray(1) };
  if (first < 0x30 || first > 0x39) return undefined;
  return { channel: first - 0x30, bytes: Buffer.from(Buffer.from(bytes.subarray(1)).toString("latin1"), "base64") };
}
