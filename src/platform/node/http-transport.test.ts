import { createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { type KeyPair, makeAuthority, makeLeaf } from "../../cluster/pki/certificates.ts";
import type { HttpAnswer, HttpsEndpoint, HttpTransport } from "../network.ts";
import { http2Transport } from "./http-transport.ts";

type Handler = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => void;

let authority: KeyPair;
let leaf: KeyPair;
let client: KeyPair;
let server: Http2SecureServer;
let handler: Handler = (stream) => stream.end();
const sessions = new Set<ServerHttp2Session>();
const transports: HttpTransport[] = [];
let accepted = 0;

beforeAll(async () => {
  const nowMs = Date.now();
  authority = await makeAuthority("test-ca", { days: 1, nowMs });
  leaf = await makeLeaf(authority, { commonName: "server", days: 1, nowMs, usage: "server", dnsNames: ["localhost"], ips: ["127.0.0.1"] });
  client = await makeLeaf(authority, { commonName: "me", days: 1, nowMs, usage: "client" });
  server = createSecureServer({
    cert: leaf.certificate,
    key: leaf.privateKey,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: 4 },
  });
  server.on("session", (session) => {
    accepted += 1;
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    handler(stream, headers);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});

afterEach(() => {
  for (const transport of transports.splice(0)) transport.close();
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
});

function setup(handle: Handler, endpoint: Partial<HttpsEndpoint> = {}) {
  handler = handle;
  accepted = 0;
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = http2Transport({ url, ca: authority.certificate, ...endpoint }, { clock, random: seededRandom(1) });
  transports.push(transport);
  const get = (path: string, signal?: AbortSignal): Promise<HttpAnswer> => transport.request({ method: "GET", path, headers: {}, ...(signal === undefined ? {} : { signal }) });
  return { clock, transport, get };
}

async function textOf({ body }: HttpAnswer): Promise<string> {
  let text = "";
  for await (const chunk of body) text += new TextDecoder().decode(chunk);
  return text;
}

const answer = (stream: ServerHttp2Stream, text: string): void => {
  if (stream.destroyed) return;
  stream.respond({ ":status": 200, "content-type": "text/plain" });
  stream.end(text);
};

describe("requests", () => {
  it("carries method, path, headers and body there, and status, headers and body back", async () => {
    const { transport } = setup((stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        stream.respond({ ":status": 201, "x-seen": `${String(headers[":method"])} ${String(headers[":path"])} ${String(headers["content-type"])}` });
        stream.end(Buffer.concat(chunks).toString().toUpperCase());
      });
    });
    const got = await transport.request({ method: "POST", path: "/a?b=c", headers: { "content-type": "text/x" }, body: new TextEncoder().encode("body") });
    expect([got.status, got.headers["x-seen"], await textOf(got)]).toEqual([201, "POST /a?b=c text/x", "BODY"]);
  });

  it("puts the endpoint's path before the request's", async () => {
    const url = `https://localhost:${(server.address() as AddressInfo).port}/k8s/c1/`;
    const { get } = setup((stream, headers) => answer(stream, String(headers[":path"])), { url });
    expect(await textOf(await get("/api"))).toBe("/k8s/c1/api");
  });

  it("presents the client certificate, and the token as it is at the time", async () => {
    let token = "one";
    const { get } = setup(
      (stream, headers) => {
        const socket = stream.session?.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } };
        answer(stream, `${String(headers["authorization"])} ${socket.getPeerCertificate().subject?.CN ?? ""}`);
      },
      { certificate: client.certificate, privateKey: client.privateKey, token: () => token },
    );
    expect(await textOf(await get("/"))).toBe("Bearer one me");
    token = "two";
    expect(await textOf(await get("/"))).toBe("Bearer two me");
    expect(accepted).toBe(1);
  });

  it("trusts only the given authority, unless told to verify nothing", async () => {
    const other = await makeAuthority("other", { days: 1, nowMs: Date.now() });
    await expect(setup((stream) => answer(stream, "hi"), { ca: other.certificate }).get("/")).rejects.toThrow(/certificate/);
    expect(await textOf(await setup((stream) => answer(stream, "hi"), { ca: other.certificate, skipVerify: true }).get("/"))).toBe("hi");
  });

  it("verifies the name that it is told to expect", async () => {
    await expect(setup((stream) => answer(stream, "hi"), { serverName: "elsewhere" }).get("/")).rejects.toThrow(/elsewhere/);
    expect(await textOf(await setup((stream) => answer(stream, "hi"), { serverName: "localhost" }).get("/"))).toBe("hi");
  });
});

describe("connections", () => {
  it("shares one, and opens another only when the server's limit of streams is reached", async () => {
    const open: ServerHttp2Stream[] = [];
    let whenOpen: () => void = () => {};
    const { get } = setup((stream) => {
      open.push(stream);
      stream.respond({ ":status": 200 });
      if (open.length === 6) whenOpen();
    });
    const first = await get("/0");
    expect(accepted).toBe(1);
    const sixOpen = new Promise<void>((resolve) => (whenOpen = resolve));
    const rest = await Promise.all([1, 2, 3, 4, 5].map((index) => get(`/${index}`)));
    await sixOpen;
    expect(accepted).toBe(2);
    for (const stream of open) stream.end("x");
    expect(await Promise.all([first, ...rest].map(textOf))).toEqual(["x", "x", "x", "x", "x", "x"]);
  });

  it("makes a new one when the old one broke", async () => {
    const { get } = setup((stream) => answer(stream, "hi"));
    expect(await textOf(await get("/"))).toBe("hi");
    const gone = Promise.all([...sessions].map((session) => new Promise((resolve) => session.once("close", resolve))));
    for (const session of sessions) session.destroy();
    await gone;
    expect(await textOf(await get("/"))).toBe("hi");
    expect(accepted).toBe(2);
  });

  it("asks a GET again whose connection broke, but not a POST", async () => {
    let calls = 0;
    const { get, transport } = setup((stream) => {
      calls += 1;
      if (calls === 1 || calls === 3) stream.session?.destroy();
      else answer(stream, `call ${calls}`);
    });
    expect(await textOf(await get("/"))).toBe("call 2");
    await expect(transport.request({ method: "POST", path: "/", headers: {} })).rejects.toThrow();
    expect(calls).toBe(3);
  });

  it("spaces its attempts while none can be made", async () => {
    const { clock, get } = setup((stream) => answer(stream, "hi"), { url: "https://127.0.0.1:1" });
    await expect(get("/")).rejects.toThrow(/ECONNREFUSED/);
    let failed = false;
    const second = get("/").catch(() => {
      failed = true;
    });
    await clock.advance(99);
    expect(failed).toBe(false);
    await clock.advance(200);
    await second;
    expect(failed).toBe(true);
  });

  it("drops one that does not answer pings", async () => {
    const upstream = (server.address() as AddressInfo).port;
    const sockets: Socket[] = [];
    const relay = createServer((near) => {
      const far = connect(upstream, "127.0.0.1");
      for (const socket of [near, far]) socket.on("error", () => {});
      near.pipe(far).pipe(near);
      sockets.push(near, far);
    });
    await new Promise<void>((resolve) => {
      relay.listen(0, "127.0.0.1", resolve);
    });
    const { clock, get } = setup((stream) => stream.respond({ ":status": 200 }), { url: `https://127.0.0.1:${(relay.address() as AddressInfo).port}` });
    const ended = textOf(await get("/watch")).then(
      () => "ended",
      () => "broke",
    );
    for (const socket of sockets) socket.unpipe().pause();
    await clock.advance(45_000);
    expect(await ended).toBe("broke");
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      relay.close(() => resolve());
    });
  });
});

describe("cancelling", () => {
  it("before the answer", async () => {
    const stop = new AbortController();
    let closed: () => void = () => {};
    const closedThere = new Promise<void>((resolve) => (closed = resolve));
    const { get } = setup((stream) => {
      stream.once("close", () => closed());
      stop.abort(new Error("enough"));
    });
    await expect(get("/", stop.signal)).rejects.toThrow("enough");
    await closedThere;
  });

  it("while the body arrives, by the signal or by leaving the loop", async () => {
    let closed: () => void = () => {};
    const { get } = setup((stream) => {
      stream.once("close", () => closed());
      stream.respond({ ":status": 200 });
      stream.write("first");
    });
    const closedFirst = new Promise<void>((resolve) => (closed = resolve));
    for await (const chunk of (await get("/")).body) {
      expect(new TextDecoder().decode(chunk)).toBe("first");
      break;
    }
    await closedFirst;
    const closedSecond = new Promise<void>((resolve) => (closed = resolve));
    const stop = new AbortController();
    const { body } = await get("/", stop.signal);
    const reading = (async () => {
      for await (const _ of body) stop.abort(new Error("enough"));
    })();
    await expect(reading).rejects.toThrow("enough");
    await closedSecond;
  });
});

describe("a whole body", () => {
  const wholeOf = async ({ whole }: HttpAnswer): Promise<string> => new TextDecoder().decode(await whole?.());

  it("comes in one piece, whatever it arrived in", async () => {
    const { get } = setup((stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/pieces") for (const piece of ["a", "b", "c".repeat(100_000)]) stream.write(piece);
      stream.end();
    });
    expect(await wholeOf(await get("/pieces"))).toBe(`ab${"c".repeat(100_000)}`);
    expect(await wholeOf(await get("/empty"))).toBe("");
  });

  it.each([
    ["the connection is cut", (stream: ServerHttp2Stream) => stream.session?.destroy()],
    ["the server takes it back", (stream: ServerHttp2Stream) => void stream.destroy(new Error("no more"))],
  ])("is none when %s in the middle of it", async (_, cut) => {
    let held: ServerHttp2Stream | undefined;
    const { get } = setup((stream) => {
      held = stream;
      stream.respond({ ":status": 200 });
      stream.write("half");
    });
    const reading = wholeOf(await get("/"));
    if (held !== undefined) cut(held);
    await expect(reading).rejects.toThrow();
  });

  it("ends with the request's signal", async () => {
    const { get } = setup((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("half");
    });
    const controller = new AbortController();
    const reading = wholeOf(await get("/", controller.signal));
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("retries", () => {
  it("asks again after what Retry-After says", async () => {
    let calls = 0;
    let refused: () => void = () => {};
    const whenRefused = new Promise<void>((resolve) => (refused = resolve));
    const { clock, get } = setup((stream) => {
      calls += 1;
      if (calls > 1) {
        answer(stream, "in the end");
        return;
      }
      stream.once("close", () => refused());
      stream.respond({ ":status": 429, "retry-after": "3" });
      stream.end("busy");
    });
    const asked = get("/");
    await whenRefused;
    await clock.advance(2_900);
    expect(calls).toBe(1);
    await clock.advance(200);
    expect(await textOf(await asked)).toBe("in the end");
  });

  it("gives the answer as it is without Retry-After, and in the end also with it", async () => {
    let calls = 0;
    let wait = "";
    const { get } = setup((stream) => {
      calls += 1;
      stream.respond({ ":status": 503, ...(wait === "" ? {} : { "retry-after": wait }) });
      stream.end("down");
    });
    expect((await get("/")).status).toBe(503);
    expect(calls).toBe(1);
    wait = "0";
    const last = await get("/");
    expect([last.status, await textOf(last), calls]).toEqual([503, "down", 12]);
  });
});
