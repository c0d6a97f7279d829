import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { configMaps } from "../../src/api/generated/resources.ts";
import { silentLogger } from "../../src/base/log.ts";
import { makeAuthority, makeLeaf } from "../../src/cluster/pki/certificates.ts";
import type { ApiResponse, Handle } from "../../src/meta/wire.ts";
import { Listener } from "../../src/server/http/listener.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const certificate = { commonName: "admin", organizations: ["system:masters"], fingerprint: "ab", notAfter: 1e15 };
const opened: WebSocket[] = [];
let cluster: ServedCluster;
let listener: Listener;
let kubelet: Server;
/** What kubelets were asked. */
const asked: string[] = [];
let port: number;

beforeAll(async () => {
  cluster = await serveCluster();
  kubelet = createServer((request, response) => {
    asked.push(`${request.headers.upgrade ?? "plain"} ${request.url ?? ""}`);
    response.writeHead(request.url?.includes("missing") === true ? 404 : 200, { "content-type": "text/plain" });
    response.write("one\nt");
    setImmediate(() => response.end("wo\n"));
  });
  kubelet.listen(0, "127.0.0.1");
  await once(kubelet, "listening");
  const log = (path: string): ApiResponse => ({
    status: 200,
    headers: {},
    body: { type: "proxy", target: { scheme: "http", host: "127.0.0.1", port: (kubelet.address() as AddressInfo).port, path, headers: {}, identity: "kubelet-client" } },
  });
  // As an administrator; who may do what is found out before, as for any request.
  const handle: Handle = (request, waiter) =>
    request.path.startsWith("/containerLogs/")
      ? Promise.resolve(log(request.path))
      : cluster.api.handle({ ...request, caller: { type: "network", address: "192.0.2.1", upgradable: true, certificate } }, waiter);
  const nowMs = Date.now();
  const authority = await makeAuthority("test", { days: 1, nowMs });
  const leaf = await makeLeaf(authority, { commonName: "server", usage: "server", ips: ["127.0.0.1"], days: 1, nowMs });
  listener = new Listener({ certificate: leaf.certificate, privateKey: leaf.privateKey, clientCa: authority.certificate }, { handle, identities: {}, log: silentLogger });
  ({ port } = await listener.listen({ host: "127.0.0.1", port: 0 }));
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
  asked.length = 0;
});
afterAll(async () => {
  await listener.closeGracefully(1_000);
  kubelet.close();
  await cluster.stop();
});

/** Its messages, text as text. */
function open(path: string, protocols: readonly string[] = []): { readonly socket: WebSocket; next(): Promise<unknown>; readonly closed: Promise<number> } {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, [...protocols], { rejectUnauthorized: false });
  opened.push(socket);
  const messages: unknown[] = [];
  let told = (): void => {};
  socket.on("message", (data: Buffer, isBinary) => {
    messages.push(isBinary ? data : data.toString());
    told();
  });
  socket.on("error", () => {});
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  const next = async (): Promise<unknown> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (told = resolve));
    return messages.shift();
  };
  return { socket, next, closed };
}

describe("a watch over WebSocket", () => {
  const path = "/api/v1/namespaces/default/configmaps?watch=1";
  it("brings each event as a message, until somebody leaves", async () => {
    const { resourceVersion } = (await cluster.admin.list(configMaps, { namespace: "default" })).metadata;
    const { socket, next, closed } = open(`${path}&resourceVersion=${resourceVersion}`, ["base64url.bearer.authorization.k8s.io.dG9rZW4", "base64.binary.k8s.io"]);
    await once(socket, "open");
    expect(socket.protocol).toBe("base64.binary.k8s.io");
    for (const name of ["a", "b"]) await cluster.admin.create(configMaps, { metadata: { name, namespace: "default" }, data: { text: "line\nline" } });
    for (const name of ["a", "b"])
      expect(JSON.parse(String(await next()))).toMatchObject({ type: "ADDED", object: { kind: "ConfigMap", metadata: { name }, data: { text: "line\nline" } } });
    socket.close();
    await closed;
    await cluster.admin.create(configMaps, { metadata: { name: "c", namespace: "default" } });
  });

  it("ends when its time is over", async () => {
    const { socket, closed } = open(`${path}&timeoutSeconds=1`);
    await once(socket, "open");
    await cluster.clock.advance(2_000);
    expect(await closed).toBe(1000);
  });

  it("is refused as any other request is", async () => {
    const { socket } = open("/api/v1/nothings?watch=1");
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { readonly statusCode: number }];
    expect(response.statusCode).toBe(404);
  });

  it("speaks one protocol at the most", async () => {
    const { socket } = open(path, ["a", "b"]);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { readonly statusCode: number }];
    expect(response.statusCode).toBe(400);
  });
});

describe("a log over WebSocket", () => {
  it.each([
    ["bytes", [], (text: unknown) => (text as Buffer).toString()],
    ["bytes by name", ["binary.k8s.io"], (text: unknown) => (text as Buffer).toString()],
    ["base64", ["base64.binary.k8s.io"], (text: unknown) => Buffer.from(text as string, "base64").toString()],
  ])("comes as %s, from a kubelet that is asked plainly", async (_, protocols, read) => {
    const { next, closed } = open("/containerLogs/default/web/c?follow=true", protocols);
    let text = "";
    while (text !== "one\ntwo\n") {
      text += read(await next());
      expect("one\ntwo\n".startsWith(text)).toBe(true);
    }
    expect(await closed).toBe(1000);
    expect(asked).toEqual(["plain /containerLogs/default/web/c"]);
  });

  it("that is not there is refused", async () => {
    const { socket } = open("/containerLogs/default/missing/c");
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, { readonly statusCode: number }];
    expect(response.statusCode).toBe(404);
  });
});
