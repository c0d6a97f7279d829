import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../../base/async-queue.ts";
import type { ByteStream } from "../network.ts";
import { SpdyConnection, type SpdyConnectionOptions } from "./spdy-connection.ts";
import { SpdyDecoder, SpdyEncoder, type SpdyFrame } from "./spdy-frames.ts";
import type { SpdyStream } from "./spdy-stream.ts";

/** Two ends of a pipe in memory; an end's `written` counts its bytes. */
function pipe(): [ByteStream & { written: number }, ByteStream & { written: number }] {
  const queues = [new AsyncQueue<Uint8Array>({ limit: 10_000 }), new AsyncQueue<Uint8Array>({ limit: 10_000 })] as const;
  const end = (mine: AsyncQueue<Uint8Array>, theirs: AsyncQueue<Uint8Array>): ByteStream & { written: number } => ({
    written: 0,
    async write(bytes) {
      this.written += bytes.length;
      theirs.push(Uint8Array.from(bytes));
    },
    end: () => theirs.end(),
    destroy: () => {
      theirs.end();
      mine.end();
    },
    [Symbol.asyncIterator]: () => mine[Symbol.asyncIterator](),
  });
  return [end(queues[0], queues[1]), end(queues[1], queues[0])];
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream) text += new TextDecoder().decode(part);
  return text;
}

function pair(options: Partial<SpdyConnectionOptions> = {}, accept?: (stream: SpdyStream) => void | Promise<void>) {
  const [near, far] = pipe();
  const accepted: SpdyStream[] = [];
  const client = new SpdyConnection({ role: "client", ...options }, { bytes: near });
  const server = new SpdyConnection({ role: "server", ...options }, { bytes: far, accept: (stream) => void (accept === undefined ? accepted.push(stream) : accept(stream)) });
  return { client, server, accepted, near, far, running: Promise.all([client.run(), server.run()]) };
}

/** A client against a peer that speaks in frames. */
function scripted(role: "client" | "server" = "client", accept?: (stream: SpdyStream) => void) {
  const [near, far] = pipe();
  const connection = new SpdyConnection({ role }, { bytes: near, ...(accept === undefined ? {} : { accept }) });
  const running = connection.run();
  const encoder = new SpdyEncoder();
  const heard: SpdyFrame[] = [];
  const listening = (async () => {
    const decoder = new SpdyDecoder();
    for await (const chunk of far) heard.push(...decoder.feed(chunk));
  })();
  return { connection, running, listening, heard, far, say: (frame: SpdyFrame) => far.write(encoder.encode(frame)) };
}

describe("streams", () => {
  it("carry bytes both ways, each end closing for itself", async () => {
    const { client, running } = pair({}, async (stream) => {
      await stream.write(bytes(`${stream.headers["streamtype"]}: `));
      for await (const part of stream) await stream.write(part);
      stream.end();
    });
    const one = await client.open({ streamtype: "one" });
    const other = await client.open({ streamtype: "other" });
    await Promise.all([one.write(bytes("hello")), other.write(bytes("world"))]);
    other.end();
    one.end();
    expect(await Promise.all([textOf(one), textOf(other)])).toEqual(["one: hello", "other: world"]);
    client.close();
    await running;
  });

  it("go through whole when they are big", async () => {
    const { client, running } = pair({}, async (stream) => {
      for await (const part of stream) await stream.write(part);
      stream.end();
    });
    const stream = await client.open({});
    const big = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    const writing = stream.write(big).then(() => stream.end());
    const parts: Uint8Array[] = [];
    for await (const part of stream) parts.push(part);
    await writing;
    expect(Buffer.concat(parts).equals(big)).toBe(true);
    client.close();
    await running;
  });

  it("that a peer reset end for the reader and fail for the writer", async () => {
    const { client, accepted, running } = pair();
    const stream = await client.open({});
    await accepted[0]?.write(bytes("last words"));
    accepted[0]?.destroy();
    await settle();
    expect(await textOf(stream)).toBe("last words");
    await expect(stream.write(bytes("x"))).rejects.toThrow("reset");
    client.close();
    await running;
  });

  it("fail when the connection breaks", async () => {
    const { client, far, running } = pair();
    const stream = await client.open({});
    const reading = textOf(stream);
    far.destroy();
    await expect(reading).rejects.toThrow("closed");
    await expect(client.open({})).rejects.toThrow("closed");
    await running;
  });

  it("are not written after their end", async () => {
    const { client, running } = pair();
    const stream = await client.open({});
    stream.end();
    await expect(stream.write(bytes("x"))).rejects.toThrow("ended");
    client.close();
    await running;
  });
});

describe("bounds", () => {
  it("what nobody reads holds the connection up, until it is read or left", async () => {
    const { client, server, accepted, running } = pair({ unreadBytes: 1000 });
    const streams = [await client.open({}), await client.open({}), await client.open({})];
    for (const stream of streams) await stream.write(new Uint8Array(5000));
    for (let turn = 0; turn < 5; turn += 1) await settle();
    expect(accepted.map(({ unreadBytes }) => unreadBytes)).toEqual([5000, 0, 0]);
    const [first, second] = accepted;
    const reader = first?.[Symbol.asyncIterator]();
    await reader?.next();
    for (let turn = 0; turn < 5; turn += 1) await settle();
    expect(accepted.map(({ unreadBytes }) => unreadBytes)).toEqual([0, 5000, 0]);
    await second?.[Symbol.asyncIterator]().return?.();
    for (let turn = 0; turn < 5; turn += 1) await settle();
    expect(accepted.map(({ unreadBytes }) => unreadBytes)).toEqual([0, 0, 5000]);
    client.destroy();
    server.destroy();
    await running;
  });

  it("refuses more streams than it may have", async () => {
    const { client, running } = pair({ streams: 2 });
    await client.open({});
    await client.open({});
    await expect(client.open({})).rejects.toThrow("more than 2");
    client.close();
    await running;
    const peer = scripted();
    await peer.say({ type: "syn-stream", streamId: 2, associatedId: 0, priority: 0, fin: false, unidirectional: false, headers: {} });
    await settle();
    expect(peer.heard).toEqual([{ type: "rst-stream", streamId: 2, status: 3 }]);
    peer.connection.destroy();
    await Promise.all([peer.running, peer.listening]);
  });
});

describe("the protocol", () => {
  it("answers the peer's pings, and bears settings and windows", async () => {
    const { connection, running, listening, heard, say } = scripted();
    await say({ type: "settings", settings: [{ flags: 0, id: 7, value: 65_536 }] });
    await say({ type: "window-update", streamId: 1, delta: 100 });
    await say({ type: "ping", id: 2 });
    await say({ type: "ping", id: 1 });
    await settle();
    expect(heard).toEqual([{ type: "ping", id: 2 }]);
    connection.destroy();
    await Promise.all([running, listening]);
  });

  it("refuses streams with wrong numbers", async () => {
    const accepted: number[] = [];
    const { connection, running, listening, heard, say } = scripted("server", ({ id }) => void accepted.push(id));
    const open = (streamId: number): Promise<void> => say({ type: "syn-stream", streamId, associatedId: 0, priority: 0, fin: false, unidirectional: false, headers: {} });
    for (const id of [3, 2, 1, 5]) await open(id);
    await settle();
    expect(accepted).toEqual([3, 5]);
    expect(heard.map((frame) => frame.type)).toEqual(["syn-reply", "rst-stream", "rst-stream", "syn-reply"]);
    connection.destroy();
    await Promise.all([running, listening]);
  });

  it("an opening that the peer resets is refused, and one is pending until the reply", async () => {
    const { connection, running, listening, heard, say } = scripted();
    let opened = "no";
    const opening = connection.open({ a: "b" }).then(
      () => (opened = "yes"),
      (error: unknown) => (opened = String(error)),
    );
    await settle();
    expect([opened, heard.length]).toEqual(["no", 1]);
    await say({ type: "rst-stream", streamId: 1, status: 3 });
    await opening;
    expect(opened).toContain("status 3");
    connection.destroy();
    await Promise.all([running, listening]);
  });

  it("bytes that are not SPDY end the connection", async () => {
    const { connection, running, listening, far } = scripted();
    const opening = connection.open({});
    await far.write(bytes("\x80HTTP/1.1 400 Bad Request"));
    await expect(opening).rejects.toThrow();
    await Promise.all([running, listening]);
  });
});
