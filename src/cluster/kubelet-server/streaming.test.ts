import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { ByteStream } from "../../platform/network.ts";
import { duplexBytes } from "../../platform/node/duplex-bytes.ts";
import { SpdyConnection } from "../../platform/streams/spdy-connection.ts";
import { chooseProtocol, decodeMessage, encodeMessage } from "./channel-protocol.ts";
import { startTrialServer, type TrialServer } from "./trial-server.ts";

let trial: TrialServer;
beforeAll(async () => {
  trial = await startTrialServer(Date.now());
});
afterAll(() => trial.close());

const exec = (words: readonly string[], streams = "input=1&output=1&error=1"): string =>
  `/exec/shop/web/main?${words.map((word) => `command=${encodeURIComponent(word)}`).join("&")}&${streams}`;

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += Buffer.from(bytes).toString();
  return text;
}

function spdyTo(path: string, protocol: string): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": protocol };
    const request = httpsRequest({ ...trial.connectAs("api server"), method: "POST", path, headers });
    request.on("upgrade", (_response, socket, head) => resolve(duplexBytes(socket, head)));
    request.on("response", (response) => reject(new Error(String(response.statusCode))));
    request.on("error", reject);
    request.end();
  });
}

/** A client's side of a WebSocket as bytes, since no library takes the tunnel's protocol name. */
function framed(bytes: ByteStream): ByteStream {
  return {
    write: (payload) => bytes.write(Buffer.concat([Buffer.of(0x82, 0xfe, payload.length >> 8, payload.length & 255, 0, 0, 0, 0), payload])),
    end: () => void bytes.write(Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8)).catch(() => {}),
    destroy: () => bytes.destroy(),
    async *[Symbol.asyncIterator]() {
      let rest = Buffer.of();
      for await (const chunk of bytes) {
        rest = Buffer.concat([rest, chunk]);
        for (;;) {
          const isLong = rest[1] === 126;
          const begin = isLong ? 4 : 2;
          const end = begin + (rest.length < begin ? Number.POSITIVE_INFINITY : isLong ? rest.readUInt16BE(2) : rest.readUInt8(1));
          if (rest.length < end) break;
          if (rest[0] === 0x88) return;
          yield rest.subarray(begin, end);
          rest = rest.subarray(end);
        }
      }
    },
  };
}

interface Caller {
  readonly socket: WebSocket;
  send(channel: number, bytes: string | Uint8Array): void;
  /** What has come on a channel, as text. */
  text(channel: number): string;
  /** The close code. */
  readonly over: Promise<number>;
}

/** Opens a WebSocket; rejects with the status code when it is refused. */
function call(path: string, protocols: readonly string[] = ["v5.channel.k8s.io"]): Promise<Caller> {
  const { host, port, ...options } = trial.connectAs("api server");
  const socket = new WebSocket(`wss://${host}:${port}${path}`, [...protocols], options);
  const protocol = chooseProtocol(protocols);
  if (protocol === undefined) throw new Error("no such protocol");
  const heard = new Map<number, Buffer[]>();
  socket.on("message", (data: Buffer, isBinary) => {
    const message = decodeMessage(protocol, isBinary ? data : data.toString());
    if (message !== undefined) heard.set(message.channel, [...(heard.get(message.channel) ?? []), Buffer.from(message.bytes)]);
  });
  const over = new Promise<number>((resolve) => socket.once("close", resolve));
  return new Promise((resolve, reject) => {
    socket.once("unexpected-response", (_request, response) => reject(new Error(String(response.statusCode))));
    socket.once("error", reject);
    socket.once("open", () =>
      resolve({
        socket,
        over,
        send: (channel, bytes) => socket.send(encodeMessage(protocol, { channel, bytes: Buffer.from(bytes) })),
        text: (channel) => Buffer.concat(heard.get(channel) ?? []).toString(),
      }),
    );
  });
}

describe("a command by SPDY", () => {
  it("is the runtime's own conversation", async () => {
    const connection = new SpdyConnection({ role: "client" }, { bytes: await spdyTo(exec(["cat"]), "v4.channel.k8s.io") });
    const running = connection.run();
    const [error, stdin, stdout] = [
      await connection.open({ streamtype: "error" }),
      await connection.open({ streamtype: "stdin" }),
      await connection.open({ streamtype: "stdout" }),
    ];
    await connection.open({ streamtype: "stderr" });
    await stdin.write(Buffer.from("over and out"));
    stdin.end();
    expect(await textOf(stdout)).toBe("over and out");
    expect(await textOf(error)).toContain("Success");
    await running;
    const { method, url, protocol } = trial.runtime.asked ?? {};
    expect([method, protocol, url?.searchParams.get("containerId")]).toEqual(["POST", "v4.channel.k8s.io", "c1"]);
    expect(JSON.parse(url?.searchParams.get("options") ?? "")).toEqual({ stdin: true, stdout: true, stderr: true, tty: false });
  });
});

describe("a command by WebSocket", () => {
  it.each(["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])("ends with its output, its exit code and the connection: %s", async (protocol) => {
    const caller = await call(exec(["exit", "3"]), [protocol]);
    expect(caller.socket.protocol).toBe(protocol);
    expect(await caller.over).toBe(1000);
    expect([caller.text(1), caller.text(2)]).toEqual(["out", "err"]);
    expect(JSON.parse(caller.text(3))).toMatchObject({ status: "Failure", reason: "NonZeroExitCode", details: { causes: [{ reason: "ExitCode", message: "3" }] } });
  });

  it("takes the first of the caller's protocols that it knows, and refuses the unknown", async () => {
    const caller = await call(exec(["exit", "0"]), ["v4.channel.k8s.io", "v5.channel.k8s.io"]);
    expect(caller.socket.protocol).toBe("v4.channel.k8s.io");
    await caller.over;
    const { host, port, ...options } = trial.connectAs("api server");
    const stranger = new WebSocket(`wss://${host}:${port}${exec(["cat"])}`, ["graphql-ws"], options);
    const status = await new Promise((resolve) => {
      stranger.on("unexpected-response", (_request, response) => resolve(response.statusCode));
      stranger.on("error", () => {});
    });
    expect(status).toBe(400);
  });

  it.each([
    ["channel.k8s.io", "3", "command terminated with non-zero exit code: exit status 3"],
    ["base64.channel.k8s.io", "0", ""],
  ])("of old (%s) says in words what failed: exit %s", async (protocol, code, words) => {
    const caller = await call(exec(["exit", code]), [protocol]);
    await caller.over;
    expect(caller.text(3)).toBe(words);
  });

  it("goes on when its input is ended", async () => {
    const caller = await call(exec(["cat"]));
    const big = "0123456789".repeat(50_000);
    caller.send(0, big);
    caller.send(0, "end");
    caller.socket.send(Buffer.of(255, 0));
    expect(await caller.over).toBe(1000);
    expect(caller.text(1)).toBe(`${big}end`);
    expect(JSON.parse(caller.text(3))).toEqual({ metadata: {}, status: "Success" });
  });

  it("gives all of a long output", async () => {
    const caller = await call(exec(["flood", "100"]));
    expect(await caller.over).toBe(1000);
    expect(caller.text(1)).toHaveLength(100 * 65_536);
  });

  it("of a terminal hears its size and has no stderr", async () => {
    const caller = await call(exec(["sizes"], "input=1&output=1&error=1&tty=1"));
    caller.send(4, '{"Width":80,"Height":24}');
    caller.send(4, '{"Width":99,"Height":24}');
    await caller.over;
    expect(caller.text(1)).toBe('{"Width":80,"Height":24}{"Width":99,"Height":24}');
    expect(JSON.parse(trial.runtime.asked?.url.searchParams.get("options") ?? "")).toEqual({ stdin: true, stdout: true, stderr: false, tty: true });
  });

  it("that has closed its input is still heard out", async () => {
    const caller = await call(exec(["deaf"]));
    caller.send(0, "anybody?");
    expect(await caller.over).toBe(1000);
    expect(caller.text(1)).toBe("deaf");
  });

  it("whose runtime breaks off ends, and does not count as done", async () => {
    const caller = await call(exec(["break"]));
    await caller.over;
    expect(caller.text(1)).toBe("half");
    expect(JSON.parse(caller.text(3))).toMatchObject({ status: "Failure", reason: "InternalError" });
  });

  it("is left at the runtime when the caller goes away", async () => {
    const before = trial.runtime.connectionsOver.length;
    const caller = await call(exec(["wait"]));
    caller.socket.terminate();
    expect(trial.runtime.connectionsOver).toHaveLength(before + 1);
    await trial.runtime.connectionsOver.at(-1);
  });
});

describe("forwarded ports", () => {
  const speak = async (bytes: ByteStream): Promise<string[]> => {
    const connection = new SpdyConnection({ role: "client" }, { bytes });
    const running = connection.run();
    const answers: string[] = [];
    for (const port of ["80", "443"]) {
      const error = await connection.open({ streamtype: "error", port, requestid: port });
      error.end();
      const data = await connection.open({ streamtype: "data", port, requestid: port });
      await data.write(Buffer.from("hello"));
      data.end();
      answers.push(await textOf(data), await textOf(error));
    }
    connection.close();
    await running;
    return answers;
  };
  const said = ["port 80: hello", "", "port 443: hello", ""];

  it("by SPDY", async () => {
    expect(await speak(await spdyTo("/portForward/shop/web", "portforward.k8s.io"))).toEqual(said);
    expect(trial.runtime.asked?.protocol).toBe("portforward.k8s.io");
  });

  it("by SPDY in a WebSocket", async () => {
    const protocol = "SPDY/3.1+portforward.k8s.io";
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-protocol": protocol,
    };
    const request = httpsRequest({ ...trial.connectAs("api server"), path: "/portForward/shop/web", headers });
    const [response, socket, head] = await new Promise<[IncomingMessage, Duplex, Buffer]>((resolve, reject) => {
      request.on("upgrade", (...upgrade) => resolve(upgrade)).on("error", reject);
      request.end();
    });
    expect(response.headers["sec-websocket-protocol"]).toBe(protocol);
    expect(await speak(framed(duplexBytes(socket, head)))).toEqual(said);
    await trial.runtime.connectionsOver.at(-1);
  });
});
