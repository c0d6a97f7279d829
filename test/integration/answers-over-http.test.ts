import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import { connect } from "node:http2";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import type { ApiResponse } from "../../src/meta/wire.ts";
import { Listener } from "../../src/server/http/listener.ts";

const line = new TextEncoder().encode(`${"a line of text that is there often ".repeat(30)}\n`);
const large = (count: number): ApiResponse => ({
  status: 200,
  headers: {},
  body: { type: "bytes", contentType: "application/json", chunks: Array.from({ length: count }, () => line) },
});
let listener: Listener;
let port: number;

beforeAll(async () => {
  const nowMs = Date.now();
  const authority = await makeAuthority("test", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
  listener = new Listener(
    { certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate },
    { handle: ({ path }) => Promise.resolve(large(Number(path.slice(1)))), identities: {}, log: silentLogger },
  );
  ({ port } = await listener.listen({ host: "127.0.0.1", port: 0 }));
});
afterAll(() => listener.closeGracefully(1_000));

async function ask(options: RequestOptions): Promise<{ readonly headers: IncomingMessage["headers"]; readonly body: Buffer }> {
  const asked = request({ host: "127.0.0.1", port, rejectUnauthorized: false, agent: false, ...options });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { headers: response.headers, body: Buffer.concat(chunks) };
}

describe("compression", () => {
  it("compresses what is large for who takes it", async () => {
    const { headers, body } = await ask({ path: "/5000", headers: { "accept-encoding": "deflate, gzip;q=0.9" } });
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    expect(body.length).toBeLessThan((5000 * line.length) / 10);
    expect(Buffer.concat(Array.from({ length: 5000 }, () => line)).compare(gunzipSync(body))).toBe(0);
  });

  it.each([
    ["small", { path: "/10", headers: { "accept-encoding": "gzip" } }],
    ["not wanted", { path: "/500", headers: { "accept-encoding": "gzip;q=0, br" } }],
    ["not asked for", { path: "/500" }],
  ])("leaves alone what is %s", async (_, options) => {
    const { headers, body } = await ask(options);
    expect(headers["content-encoding"]).toBeUndefined();
    expect(Number(headers["content-length"])).toBe(body.length);
  });

  it("compresses in HTTP/2 too, and HEAD has no body", async () => {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const stream = session.request({ ":path": "/500", "accept-encoding": "gzip" });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(gunzipSync(Buffer.concat(chunks)).length).toBe(500 * line.length);
    const head = session.request({ ":path": "/500", ":method": "HEAD" });
    const [headers] = (await once(head, "response")) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ":status": 200, "content-length": String(500 * line.length) });
    let bytes = 0;
    for await (const chunk of head) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(0);
    session.close();
    await once(session, "close");
  });

  it("lets go of a compressed answer when its reader leaves", async () => {
    const asked = request({ host: "127.0.0.1", port, path: "/200000", rejectUnauthorized: false, agent: false, headers: { "accept-encoding": "gzip" } });
    asked.on("error", () => {});
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    await once(response, "data");
    response.destroy();
    expect((await ask({ path: "/1" })).body.length).toBe(line.length);
  });
});
