import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type KeyPair, makeAuthority, makeLeaf } from "../../cluster/pki/certificates.ts";
import type { WebhookRequest } from "../webhook-client.ts";
import { nodeWebhookClient } from "./webhook-client.ts";

let authority: KeyPair;
let server: Server;
let request: WebhookRequest;

beforeAll(async () => {
  const nowMs = Date.now();
  authority = await makeAuthority("hook-ca", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "hook", days: 1, nowMs, usage: "server", dnsNames: ["hook.ns.svc"] });
  server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (incoming, answer) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on("end", () => {
      if (incoming.url !== "/slow") answer.end(`${incoming.headers.host ?? ""} ${incoming.url ?? ""} ${body}`);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  request = { host: "127.0.0.1", port, path: "/hook?timeout=1s", serverName: "hook.ns.svc", ca: authority.certificate, body: "{}", timeoutMs: 5000 };
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
});

it("posts to the address and verifies the name", async () => {
  expect(await nodeWebhookClient.post(request)).toEqual({ status: 200, body: `hook.ns.svc:${request.port} /hook?timeout=1s {}` });
});

it.each([
  ["another name", { serverName: "other.ns.svc" }, "tls: failed to verify certificate: x509: "],
  ["another authority", { ca: undefined }, "tls: failed to verify certificate: x509: certificate signed by unknown authority"],
  ["nobody there", { port: 1 }, "dial tcp 127.0.0.1:1: connect: connection refused"],
  ["no answer in time", { path: "/slow", timeoutMs: 100 }, "context deadline exceeded"],
])("tells of %s", async (_, change, message) => {
  await expect(nodeWebhookClient.post({ ...request, ...change })).rejects.toThrow(message);
});

it.each(["before", "during"])("ends when nobody waits for the answer any more: %s the call", async (when) => {
  const caller = new AbortController();
  if (when === "before") caller.abort();
  const answer = nodeWebhookClient.post({ ...request, path: "/slow", signal: caller.signal });
  const outcome = expect(answer).rejects.toThrow("context canceled");
  caller.abort();
  await outcome;
});
