import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { isIPv6 } from "node:net";
import type { Upstream } from "../upstreams.ts";

export type Transport = "udp" | "tcp";

/**
 * One question to one server: resolves with the reply's bytes, rejects when the signal aborts or the server cannot be
 * reached. Every question has its own port and id, so that a forged reply must guess both.
 */
export function askUpstream(message: Uint8Array, upstream: Upstream, { transport, signal }: { readonly transport: Transport; readonly signal: AbortSignal }): Promise<Uint8Array> {
  const question = Buffer.from(message);
  question.writeUInt16BE(randomInt(0x10000), 0);
  return transport === "udp" ? overUdp(question, upstream, signal) : overTcp(question, upstream, signal);
}

const fits = (reply: Buffer, question: Buffer): boolean => reply.length >= 12 && reply[0] === question[0] && reply[1] === question[1] && ((reply[2] ?? 0) & 0x80) !== 0;

function overUdp(question: Buffer, { address, port }: Upstream, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const finish = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      settle();
    };
    const onAbort = (): void => finish(() => reject(new Error("gave up waiting for a name server")));
    socket.on("error", (error) => finish(() => reject(error)));
    socket.on("message", (reply) => {
      if (fits(reply, question)) finish(() => resolve(new Uint8Array(reply)));
    });
    signal.addEventListener("abort", onAbort, { once: true });
    socket.connect(port, address, () => {
      socket.send(question, (error) => {
        if (error !== null) finish(() => reject(error));
      });
    });
  });
}

function overTcp(question: Buffer, { address, port }: Upstream, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    let received = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      settle();
    };
    const onAbort = (): void => finish(() => reject(new Error("gave up waiting for a name server")));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => finish(() => reject(error)));
    socket.on("close", () => finish(() => reject(new Error("the name server closed the connection"))));
    socket.on("connect", () => socket.write(Buffer.concat([framed(question.length), question])));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const end = 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const reply = received.subarray(2, end);
      finish(() => (fits(reply, question) ? resolve(new Uint8Array(reply)) : reject(new Error("the name server answered something else"))));
    });
  });
}

function framed(length: number): Buffer {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(length);
  return prefix;
}
