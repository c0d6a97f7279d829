import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request, type RequestOptions } from "node:https";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { createGzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

/** Somebody with every right who means harm, against one whole cluster: it goes on for others, and in bounded memory. */
describe("a hostile client", () => {
  let cluster: Cluster;
  let identity: Pick<ConnectionOptions, "cert" | "key" | "ca" | "host" | "port">;
  let others: Agent;
  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "simulated" });
    const of = async (path: string): Promise<string> => Buffer.from(await cluster.kubectl(["config", "view", "--raw", "-o", `jsonpath={${path}}`]), "base64").toString();
    identity = {
      host: "127.0.0.1",
      port: cluster.apiPort,
      cert: await of(".users[0].user.client-certificate-data"),
      key: await of(".users[0].user.client-key-data"),
      ca: await of(".clusters[0].cluster.certificate-authority-data"),
    };
    others = new Agent({ ...identity, keepAlive: true });
  });
  afterAll(async () => {
    others?.destroy();
    await cluster?.dispose();
  });

  /** The control plane's memory, in MiB. */
  const memory = (): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${cluster.pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;
  interface Answer {
    readonly status: number;
    readonly text: string;
  }
  const ask = (path: string, options: RequestOptions & { readonly body?: string | Uint8Array } = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { body, ...rest } = options;
      const asked = request({ ...identity, agent: others, path, ...rest }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  const served = async (): Promise<void> => expect((await ask("/api/v1/namespaces/default")).status).toBe(200);

  const open = async (protocol: "h2" | "http/1.1"): Promise<TLSSocket> => {
    const socket = connect({ ...identity, ALPNProtocols: [protocol] });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    return socket;
  };
  /** Writes until all is said or the other side has had enough; meanwhile others are served. */
  async function flood(socket: TLSSocket, chunks: Iterable<Uint8Array>): Promise<void> {
    socket.resume();
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    let count = 0;
    for (const chunk of chunks) {
      if (socket.destroyed || socket.writableEnded) break;
      count += 1;
      if (count % 64 === 0) await served();
      if (!socket.write(chunk)) await Promise.race([closed, once(socket, "drain")]).catch(() => {});
    }
    await served();
    socket.destroy();
    await closed;
  }

  const frame = (type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);
  const literal = (name: string, value: string): Buffer => {
    const part = (text: string): Buffer => {
      const bytes = Buffer.from(text);
      if (bytes.length < 127) return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
      const rest: number[] = [];
      let left = bytes.length - 127;
      for (; left >= 128; left >>= 7) rest.push((left & 127) | 128);
      return Buffer.concat([Uint8Array.of(127, ...rest, left), bytes]);
    };
    return Buffer.concat([Uint8Array.of(0), part(name), part(value)]);
  };
  const get = (path: string): Buffer => Buffer.concat([literal(":method", "GET"), literal(":scheme", "https"), literal(":authority", "x"), literal(":path", path)]);
  /** The same bytes again and again, in chunks of about 64 KiB. */
  function* repeated(bytes: Uint8Array, times: number): Generator<Uint8Array> {
    const many = Math.max(1, Math.min(times, Math.floor(65_536 / bytes.length)));
    const chunk = Buffer.concat(Array.from({ length: many }, () => bytes));
    for (let sent = 0; sent < times; sent += many) yield chunk;
  }
  function* after(first: Uint8Array, rest: Iterable<Uint8Array>): Generator<Uint8Array> {
    yield first;
    yield* rest;
  }
  function* resets(): Generator<Uint8Array> {
    const headers = get("/api/v1/pods");
    for (let stream = 1; stream < 60_000; stream += 128) {
      const frames: Buffer[] = [];
      for (let index = 0; index < 128; index += 2) frames.push(frame(1, 5, stream + index, headers), frame(3, 0, stream + index, Uint8Array.of(0, 0, 0, 8)));
      yield Buffer.concat(frames);
    }
  }
  function* streams(): Generator<Uint8Array> {
    const headers = Buffer.concat([literal(":method", "POST"), literal(":scheme", "https"), literal(":authority", "x"), literal(":path", "/api/v1/namespaces")]);
    for (let stream = 1; stream < 40_000; stream += 2) yield frame(1, 4, stream, headers);
  }
  /** One big header in the table of the other side, named again and again. */
  const bomb = Buffer.concat([get("/"), Uint8Array.of(0x40, 1, 0x61), Uint8Array.of(127, 0x80 | (3_873 & 127), 3_873 >> 7), Buffer.alloc(4_000, "x"), Buffer.alloc(10_000, 0xbe)]);
  const noWindow = frame(4, 0, 0, Uint8Array.of(0, 4, 0, 0, 0, 0));

  it("knows how to speak HTTP/2, so that what follows is heard", async () => {
    const socket = await open("h2");
    let heard = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
    });
    socket.write(Buffer.concat([preface, frame(1, 5, 1, get("/readyz"))]));
    await until("it is answered", () => heard.includes("ok"));
    socket.destroy();
  });

  it.each<[string, () => Iterable<Uint8Array>]>([
    ["pings", () => repeated(frame(6, 0, 0, new Uint8Array(8)), 400_000)],
    ["settings", () => repeated(frame(4, 0, 0, Uint8Array.of(0, 3, 0, 0, 0, 100)), 200_000)],
    ["priorities", () => repeated(frame(2, 0, 1, new Uint8Array(5)), 400_000)],
    ["window updates", () => repeated(frame(8, 0, 0, Uint8Array.of(0, 0, 0, 1)), 400_000)],
    ["frames of no known type", () => repeated(frame(0xfa, 0, 0, new Uint8Array(16)), 400_000)],
    ["continuations without end", () => after(frame(1, 0, 1, get("/")), repeated(frame(9, 0, 1, literal("a", "b".repeat(1_000))), 100_000))],
    ["empty continuations without end", () => after(frame(1, 0, 1, get("/")), repeated(frame(9, 0, 1), 400_000))],
    ["a header that stands for many", () => [frame(1, 5, 1, bomb)]],
    [
      "empty data",
      () =>
        after(
          frame(1, 4, 1, Buffer.concat([literal(":method", "POST"), literal(":scheme", "https"), literal(":authority", "x"), literal(":path", "/api/v1/namespaces")])),
          repeated(frame(0, 0, 1), 400_000),
        ),
    ],
    ["streams that are reset at once", () => resets()],
    ["twenty thousand streams", () => streams()],
    [
      "answers that are never read",
      () =>
        after(
          noWindow,
          Array.from({ length: 250 }, (_, index) => frame(1, 5, 2 * index + 1, get("/openapi/v2"))),
        ),
    ],
  ])("of %s by HTTP/2 disturbs nobody else", { timeout: 120_000 }, async (_name, frames) => {
    await served();
    const before = memory();
    await flood(await open("h2"), after(preface, frames()));
    // Node gives memory back when it likes; what counts is that it does not grow with what is sent.
    expect(memory() - before).toBeLessThan(250);
    await until("the connection's requests are over", served);
  });

  it.each<[string, () => Iterable<Uint8Array>]>([
    ["headers without end", () => after(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n"), repeated(Buffer.from(`a: ${"b".repeat(1_000)}\r\n`), 50_000))],
    ["a path without end", () => after(Buffer.from("GET /"), repeated(Buffer.alloc(65_536, "a"), 500))],
    [
      "a body without end",
      () =>
        after(Buffer.from("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), repeated(Buffer.from(`10000\r\n${"x".repeat(65_536)}\r\n`), 1_000)),
    ],
    [
      "a body of many gigabytes",
      () => after(Buffer.from("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"), repeated(Buffer.alloc(65_536, "x"), 1_000)),
    ],
    ["requests that wait for no answer", () => repeated(Buffer.from("GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\n\r\n"), 20_000)],
    [
      "chunks of one byte",
      () => after(Buffer.from("POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), repeated(Buffer.from("1\r\nx\r\n"), 400_000)),
    ],
  ])("of %s by HTTP/1.1 disturbs nobody else", { timeout: 120_000 }, async (_name, bytes) => {
    await served();
    const before = memory();
    await flood(await open("http/1.1"), bytes());
    expect(memory() - before).toBeLessThan(250);
  });

  it("of a thousand connections disturbs nobody else", { timeout: 120_000 }, async () => {
    const sockets: TLSSocket[] = [];
    for (let round = 0; round < 20; round += 1) {
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => open(round % 2 === 0 ? "h2" : "http/1.1")))));
      await served();
    }
    for (const socket of sockets) socket.destroy();
    await served();
  });

  const zipped = async (size: number): Promise<Buffer> => {
    const gzip = createGzip();
    const parts: Buffer[] = [];
    gzip.on("data", (part: Buffer) => parts.push(part));
    const zeros = Buffer.alloc(1 << 20, " ");
    for (let written = 0; written < size; written += zeros.length) if (!gzip.write(zeros)) await once(gzip, "drain");
    gzip.end();
    await once(gzip, "end");
    return Buffer.concat(parts);
  };

  it("with a body that swells when it is unpacked is told that it is too large", { timeout: 120_000 }, async () => {
    const body = await zipped(1 << 30);
    expect(body.length).toBeLessThan(2 << 20);
    const before = memory();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask("/api/v1/namespaces", { method: "POST", headers: { "content-type": "application/json", "content-encoding": "gzip" }, body })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]));
    expect(memory() - before).toBeLessThan(250);
    await served();
  });

  const encoded = encodeURIComponent;
  it.each<[string, string, number, string]>([
    ["an enormous continue token", `/api/v1/pods?limit=1&continue=${"A".repeat(900_000)}`, 400, "continue key is not valid"],
    [
      "a continue token that points elsewhere",
      `/api/v1/pods?limit=1&continue=${encoded(Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/"}').toString("base64"))}`,
      400,
      "continue key is not valid",
    ],
    ["a revision of a thousand digits", `/api/v1/pods?resourceVersion=${"9".repeat(1_000)}`, 422, "resourceVersion"],
    ["a name with NUL", "/api/v1/namespaces/default/configmaps/a%00b", 404, "not found"],
    ["a path upwards", "/api/v1/namespaces/default/configmaps/..%2f..%2fkube-system", 404, "not found"],
    ["a plain path upwards", "/../../../../etc/passwd", 404, "could not find"],
    ["a path upwards from the API", "/api/v1/../../etc/passwd", 404, "could not find"],
    ["a file of the host", "/logs/../../etc/passwd", 404, "could not find"],
    ["a path that is not encoded properly", "/api/v1/namespaces/%zz", 400, "percent-encoded"],
  ])("with %s is refused", async (_name, path, status, text) => {
    const answer = await ask(path);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(text)]);
    expect(answer.text).not.toContain("root:x:");
  });

  const named = (name: string): string => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  const protobuf = (...bytes: readonly number[]): Uint8Array => Uint8Array.of(0x6b, 0x38, 0x73, 0, ...bytes);
  it.each<[string, string, string | Uint8Array, number]>([
    ["a name with NUL", "application/json", named("a\u0000b"), 422],
    ["a name of slashes", "application/json", named("../../a"), 422],
    ["a name without end", "application/json", named("a".repeat(1_000_000)), 422],
    ["text that is not UTF-8", "application/json", Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d), 400],
    ["half a character", "application/yaml", Uint8Array.of(0x61, 0x3a, 0x20, 0xe2, 0x82), 400],
    ["protobuf that promises gigabytes", "application/vnd.kubernetes.protobuf", protobuf(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f), 400],
    ["protobuf with a number that never ends", "application/vnd.kubernetes.protobuf", protobuf(...Array.from({ length: 1_000 }, () => 0xff)), 400],
    ["protobuf without its mark", "application/vnd.kubernetes.protobuf", Uint8Array.of(1, 2, 3, 4, 5), 400],
    ["a hundred thousand levels of lists", "application/json", "[".repeat(100_000), 400],
    ["a body that is not packed as it says", "gzip", "not packed", 400],
  ])("with %s is refused", async (_name, type, body, status) => {
    const headers = type === "gzip" ? { "content-type": "application/json", "content-encoding": "gzip" } : { "content-type": type };
    const answer = await ask("/api/v1/namespaces/default/configmaps", { method: "POST", headers, body });
    expect([answer.status, answer.text.includes('"kind":"Status"')], answer.text.slice(0, 300)).toEqual([status, true]);
    await served();
  });
});
