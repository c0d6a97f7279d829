import { once } from "node:events";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { Agent, request } from "node:https";
import { createServer, type AddressInfo, type Server } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { Listener } from "../../src/server/http/listener.ts";

const ok: ApiResponse = { status: 200, headers: {}, body: { type: "bytes", contentType: "text/plain", chunks: [new TextEncoder().encode("ok")] } };
let listener: Listener;
let port: number;
let target: Server;
/** What the target of proxied requests answers with, byte by byte. */
let answer = "";
const heard: string[] = [];
let handle: (request: ApiRequest, signal: AbortSignal) => Promise<ApiResponse>;

beforeAll(async () => {
  target = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      heard.push(data.toString("latin1"));
      socket.end(answer);
    });
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const nowMs = Date.now();
  const authority = await makeAuthority("test", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
  handle = ({ path }) => {
    if (!path.startsWith("/proxy")) return Promise.resolve(ok);
    const { port: to } = target.address() as AddressInfo;
    const bad = path.startsWith("/proxy-nowhere");
    return Promise.resolve({
      status: 200,
      headers: {},
      body: { type: "proxy", target: { scheme: "http", host: "127.0.0.1", port: bad ? 99_999 : to, path: "/", headers: {}, identity: "none" } },
    });
  };
  listener = new Listener(
    { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
    { handle: (asked, { signal }) => handle(asked, signal), identities: {}, log: silentLogger },
  );
  ({ port } = await listener.listen({ host: "127.0.0.1", port: 0 }));
});
afterAll(async () => {
  target.close();
  await listener.closeGracefully(1_000);
});

const getHttp1 = (path: string, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false, headers }, (response) => {
      response.resume();
      response.on("close", () => resolve(response.statusCode ?? 0));
    });
    asked.on("error", () => resolve(-1));
    asked.end();
  });

async function withHttp2<T>(use: (session: ClientHttp2Session) => Promise<T>): Promise<T> {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on("error", () => {});
  try {
    return await use(session);
  } finally {
    session.destroy();
  }
}

const getHttp2 = (path: string): Promise<number> =>
  withHttp2(
    (session) =>
      new Promise((resolve) => {
        const stream = session.request({ ":path": path });
        stream.on("response", (headers) => resolve(headers[":status"] ?? 0));
        stream.on("error", () => resolve(-1));
        stream.resume();
      }),
  );

describe("what a pod answers through the proxy", () => {
  it.each([
    ["HTTP/1.1 200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\n\r\n", 200],
    ["HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 503],
    ["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n", 503],
    ["HTTP/1.1 200 OK\r\nX-Odd: \x01\r\n\r\n", 503],
    ["nonsense\r\n\r\n", 503],
    ["", 503],
    ["HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", 503],
    ["HTTP/1.1 200 OK\r\nTE: gzip\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200],
  ])("cannot end the server: %j", async (text, expected) => {
    answer = text;
    expect(await getHttp2("/proxy")).toBe(expected);
    const status = await getHttp1("/proxy");
    expect(status === expected || status === 999).toBe(true);
    expect([await getHttp1("/"), await getHttp2("/")]).toEqual([200, 200]);
  });

  it("is a failure in words when the place cannot be", async () => {
    expect([await getHttp1("/proxy-nowhere"), await getHttp2("/proxy-nowhere")]).toEqual([503, 503]);
  });

  it("comes without the caller's token having been shown", async () => {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    heard.length = 0;
    const secret = "base64url.bearer.authorization.k8s.io.c2VjcmV0";
    await getHttp1("/proxy", { authorization: "Bearer secret", "sec-websocket-protocol": `${secret}, v5.channel.k8s.io`, "impersonate-user": "somebody" });
    expect(heard).toHaveLength(1);
    expect(heard[0]).toContain("v5.channel.k8s.io");
    expect(heard[0]).not.toMatch(/c2VjcmV0|Bearer secret|impersonate/i);
  });
});

const open = async (protocol: "h2" | "http/1.1"): Promise<TLSSocket> => {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: [protocol] });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return socket;
};

describe("bytes of any kind", () => {
  it.each(["h2", "http/1.1"] as const)("on a connection of %s leave the others alone", async (protocol) => {
    const random = seededRandom(11);
    const texts = [
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
      `GET /${"a".repeat(2_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\n${"a: b\r\n".repeat(300_000)}\r\n`,
      "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: odd\r\nConnection: Upgrade\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0\0\x04\x09\0\0\0\0\x01abcd".repeat(1000)}`,
    ];
    for (let round = 0; round < 12; round += 1) texts.push(Buffer.from(random.bytes(1 + Math.floor(random.next() * 5_000))).toString("latin1"));
    await Promise.all(
      texts.map(async (text) => {
        const socket = await open(protocol);
        socket.resume();
        socket.write(text, "latin1");
        await new Promise((resolve) => setImmediate(resolve));
        socket.destroy();
      }),
    );
    // And some that do not even begin with TLS.
    expect([await getHttp1("/"), await getHttp2("/")]).toEqual([200, 200]);
  });

  it("beyond the streams that one connection may have are refused, and the rest is served", async () => {
    const statuses = await withHttp2((session) =>
      Promise.all(
        Array.from(
          { length: 600 },
          () =>
            new Promise<number>((resolve) => {
              const stream = session.request({ ":path": "/" });
              stream.on("response", (headers) => resolve(headers[":status"] ?? 0));
              stream.on("error", () => resolve(-1));
              stream.resume();
            }),
        ),
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("of streams opened and reset at once do not stop the server", async () => {
    await withHttp2(async (session) => {
      for (let index = 0; index < 2_000; index += 1) {
        const stream = session.request({ ":path": "/" });
        stream.on("error", () => {});
        stream.close(8);
      }
      await new Promise((resolve) => setImmediate(resolve));
    });
    expect([await getHttp1("/"), await getHttp2("/")]).toEqual([200, 200]);
  });

  it("of a body whose sender left before it was read end its reading", async () => {
    const before = handle;
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const outcome = new Promise<string>((resolve) => {
      handle = async ({ body }, signal) => {
        begin();
        await once(signal, "abort");
        resolve(
          await (body.type === "bytes" ? body.read() : Promise.resolve()).then(
            () => "read",
            (error: Error) => error.message,
          ),
        );
        return ok;
      };
    });
    await withHttp2(async (session) => {
      const stream = session.request({ ":path": "/", ":method": "POST" });
      stream.on("error", () => {});
      stream.write("abc");
      await begun;
      stream.close(8);
      await once(stream, "close");
    });
    expect(await outcome).toBe("the body ended early");
    handle = before;
  });
});

it("knows which connections are idle, and closes them at once when it stops", async () => {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  await new Promise<void>((resolve) => {
    request({ host: "127.0.0.1", port, path: "/", agent }, (response) => {
      response.resume();
      response.on("end", resolve);
    }).end();
  });
  const started = performance.now();
  await listener.closeGracefully(60_000);
  expect(performance.now() - started).toBeLessThan(15_000);
  agent.destroy();
});
