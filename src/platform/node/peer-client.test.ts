import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type KeyPair, makeAuthority, makeLeaf } from "../../cluster/pki/certificates.ts";
import type { PeerRequest } from "../peer-client.ts";
import { nodePeerClient } from "./peer-client.ts";

let authority: KeyPair;
let client: KeyPair;
let server: Server;
let request: PeerRequest;

beforeAll(async () => {
  const nowMs = Date.now();
  authority = await makeAuthority("ca", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "peer", days: 1, nowMs, usage: "server", dnsNames: ["peer.ns.svc"] });
  client = await makeLeaf(authority, { commonName: "front-proxy-client", days: 1, nowMs, usage: "client" });
  server = createServer({ cert: leaf.certificate, key: leaf.privateKey, ca: authority.certificate, requestCert: true, rejectUnauthorized: false }, (incoming, answer) => {
    if (incoming.url === "/hang") return;
    const peer = (incoming.socket as TLSSocket).getPeerCertificate().subject as { readonly CN?: string } | undefined;
    answer.writeHead(202, { "x-groups": (incoming.headersDistinct["x-remote-group"] ?? []).join("|") });
    answer.write(`${incoming.method ?? ""} ${incoming.url ?? ""} ${peer?.CN ?? "nobody"} `);
    if (incoming.url === "/endless") return;
    incoming.pipe(answer);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  request = {
    method: "POST",
    host: "127.0.0.1",
    port,
    path: "/x?y=1",
    headers: { "x-remote-group": ["a", "b"], none: undefined },
    body: Buffer.from("body"),
    serverName: "peer.ns.svc",
    ca: authority.certificate,
    verify: true,
    signal: new AbortController().signal,
  };
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
});

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return text;
}

it("sends a request with its identity and gives the answer as it comes", async () => {
  const answer = await nodePeerClient(client).request(request);
  expect([answer.status, answer.headers["x-groups"], await textOf(answer.body)]).toEqual([202, "a|b", "POST /x?y=1 front-proxy-client body"]);
  const without = await nodePeerClient().request({ ...request, method: "GET", body: undefined });
  expect(await textOf(without.body)).toBe("GET /x?y=1 nobody ");
});

it.each([
  ["another name", { serverName: "other.ns.svc" }, "tls: failed to verify certificate: x509: "],
  ["another authority", { ca: undefined }, "tls: failed to verify certificate: x509: certificate signed by unknown authority"],
  ["nobody there", { port: 1 }, "dial tcp 127.0.0.1:1: connect: connection refused"],
])("tells of %s", async (_, change, message) => {
  await expect(nodePeerClient().request({ ...request, ...change })).rejects.toThrow(message);
});

it("does not look at a certificate when it must not", async () => {
  const answer = await nodePeerClient().request({ ...request, serverName: "other.ns.svc", ca: undefined, verify: false });
  expect(answer.status).toBe(202);
  await textOf(answer.body);
});

it("ends with its signal: before it begins, before the head, and within the body", async () => {
  const reason = new Error("enough");
  await expect(nodePeerClient().request({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const early = new AbortController();
  const hanging = nodePeerClient().request({ ...request, path: "/hang", signal: early.signal });
  early.abort(reason);
  await expect(hanging).rejects.toBe(reason);
  const late = new AbortController();
  const answer = await nodePeerClient().request({ ...request, path: "/endless", signal: late.signal });
  const reading = textOf(answer.body);
  late.abort(reason);
  await expect(reading).rejects.toBe(reason);
});
