import { createServer, type Server } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { badRequest } from "../../meta/status-error.ts";
import { RuntimeError, type RuntimeService } from "../../cri/runtime.ts";
import { systemClock } from "../../platform/node/clock.ts";
import { promMetrics } from "../../platform/node/metrics.ts";
import { systemRandom } from "../../platform/node/random.ts";
import { type KeyPair, makeAuthority, makeLeaf } from "../pki/certificates.ts";
import { KubeletServer } from "./kubelet-server.ts";
import type { ServedKubelet } from "./served-kubelet.ts";

const nowMs = Date.now();
const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", uid: "u1" }, spec: { containers: [{ name: "main" }] } } as const;

let ca: KeyPair;
let otherCa: KeyPair;
let server: KubeletServer;
let streaming: Server;
let logsEnded: Promise<unknown>;

function fakeKubelet(nodeName: string, execUrl: () => string): ServedKubelet {
  const runtime: Partial<RuntimeService> = {
    exec: async ({ containerId, cmd, ...options }) => ({
      url: `${execUrl()}/exec/${containerId}?${new URLSearchParams({ cmd: JSON.stringify(cmd), options: JSON.stringify(options) }).toString()}`,
    }),
    attach: async () => {
      throw new RuntimeError("UNIMPLEMENTED", "simulated containers cannot be attached to");
    },
  };
  return {
    nodeName,
    runtime: runtime as RuntimeService,
    pods: () => [{ ...pod, metadata: { ...pod.metadata, labels: { node: nodeName } } }],
    podByName: (namespace, name) => (namespace === "shop" && name === "web" ? pod : undefined),
    containerId: (_namespace, _pod, container) => (container === "main" ? "c1" : undefined),
    sandboxId: () => "s1",
    statsSummary: async () => ({ node: { nodeName }, pods: [] }) as unknown as Awaited<ReturnType<ServedKubelet["statsSummary"]>>,
    async *containerLogs(request) {
      if (request.container !== "main") throw badRequest(`container ${request.container} is not valid for pod ${request.pod}`);
      yield new TextEncoder().encode(`tail=${request.tailLines ?? "all"} previous=${request.previous === true}\n`);
      if (request.follow !== true) return;
      logsEnded = new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
      await logsEnded;
    },
  };
}

beforeAll(async () => {
  ca = await makeAuthority("cluster", { days: 1, nowMs });
  otherCa = await makeAuthority("stranger", { days: 1, nowMs });
  const serving = await makeLeaf(ca, { commonName: "system:node:n1", usage: "server", dnsNames: ["n1", "n2"], ips: ["127.0.0.1"], days: 1, nowMs });
  streaming = createServer();
  // Echoes, after telling what was asked.
  streaming.on("upgrade", (request, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`);
    socket.write(`${request.method} ${request.url} ${String(request.headers["x-stream-protocol-version"])}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => streaming.listen(0, "127.0.0.1", resolve));
  const execUrl = (): string => `http://127.0.0.1:${(streaming.address() as AddressInfo).port}`;
  const kubelets = [fakeKubelet("n1", execUrl), fakeKubelet("n2", execUrl)];
  server = new KubeletServer(
    { host: "127.0.0.1", port: 0, certificate: serving.certificate, privateKey: serving.privateKey, clientCa: ca.certificate },
    {
      kubeletOf: (namespace, name) => kubelets.find((kubelet) => kubelet.podByName(namespace, name) !== undefined),
      kubelets: () => kubelets,
      metrics: promMetrics(),
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    },
  );
  await server.listen();
});

afterAll(async () => {
  await server.close();
  await new Promise((resolve) => streaming.close(resolve));
});

type Identity = "api server" | "admin" | "node" | "stranger" | "nobody";

async function optionsAs(identity: Identity): Promise<RequestOptions> {
  const subject = {
    "api server": { commonName: "kube-apiserver-kubelet-client" },
    admin: { commonName: "me", organizations: ["system:masters"] },
    node: { commonName: "system:node:n2", organizations: ["system:nodes"] },
    stranger: { commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"] },
    nobody: undefined,
  }[identity];
  const base: RequestOptions = { host: "127.0.0.1", port: server.port, ca: ca.certificate, servername: "n1", agent: false };
  if (subject === undefined) return base;
  const pair = await makeLeaf(identity === "stranger" ? otherCa : ca, { ...subject, usage: "client", days: 1, nowMs });
  return { ...base, cert: pair.certificate, key: pair.privateKey };
}

async function get(path: string, identity: Identity = "api server", servername = "n1"): Promise<{ status: number; type: string; body: string }> {
  const options = await optionsAs(identity);
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, servername, path }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body }));
    });
    request.on("error", reject);
    request.end();
  });
}

/** Sends an upgrade and `input`; resolves with what came back until `until`, or with the refusal. */
async function upgrade(path: string, { input = "", until = "", identity = "api server" as Identity } = {}): Promise<{ status: number; text: string }> {
  const options = await optionsAs(identity);
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, method: "POST", path, headers: { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" } });
    request.on("upgrade", (response, socket, head) => {
      let text = head.toString();
      const look = (): void => {
        if (!text.includes(until)) return;
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, text });
      };
      socket.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        look();
      });
      socket.on("error", reject);
      socket.write(input);
      look();
    });
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", reject);
    request.end();
  });
}

describe("who may ask", () => {
  it.each([
    ["api server", 200],
    ["admin", 200],
    ["node", 403],
    ["stranger", 401],
    ["nobody", 401],
  ] as const)("%s: %i", async (identity, status) => {
    expect((await get("/pods", identity)).status).toBe(status);
    const path = "/exec/shop/web/main?command=ls&output=1";
    expect((await upgrade(path, { identity })).status).toBe(status === 200 ? 101 : status);
  });
});

describe("what is known of the node", () => {
  it("answers for the node that the caller's handshake names", async () => {
    const list = JSON.parse((await get("/pods/", "admin", "n2")).body) as { kind: string; items: { metadata: { labels: { node: string } } }[] };
    expect([list.kind, list.items.map(({ metadata }) => metadata.labels.node)]).toEqual(["PodList", ["n2"]]);
    expect(JSON.parse((await get("/stats/summary")).body)).toEqual({ node: { nodeName: "n1" }, pods: [] });
  });

  it("is healthy, and knows no other paths", async () => {
    expect(await get("/healthz")).toMatchObject({ status: 200, body: "ok" });
    expect((await get("/metrics")).status).toBe(200);
    expect((await get("/nothing")).status).toBe(404);
  });
});

describe("containers' output", () => {
  it("is asked for with the query's options", async () => {
    expect(await get("/containerLogs/shop/web/main?tailLines=5&previous=true")).toEqual({ status: 200, type: "text/plain", body: "tail=5 previous=true\n" });
  });

  it("fails with the kubelet's Status", async () => {
    const { status, body } = await get("/containerLogs/shop/web/side");
    expect([status, JSON.parse(body)]).toEqual([400, expect.objectContaining({ kind: "Status", message: "container side is not valid for pod web" })]);
  });

  it.each([
    ["tailLines=-1", 400],
    ["sinceTime=yesterday", 400],
    ["limitBytes=0", 400],
    ["stream=Both", 400],
    ["tailLines=all", 200],
  ])("%s: %i", async (query, status) => {
    expect((await get(`/containerLogs/shop/web/main?${query}`)).status).toBe(status);
  });

  it("ends with the caller that follows it", async () => {
    const options = await optionsAs("api server");
    await new Promise<void>((resolve, reject) => {
      const request = httpsRequest({ ...options, path: "/containerLogs/shop/web/main?follow=true" }, (response) => {
        response.once("data", () => {
          request.destroy();
          resolve();
        });
        response.on("error", () => {});
      });
      request.on("error", reject);
      request.end();
    });
    await logsEnded;
  });
});

describe("streams by SPDY", () => {
  it("are joined with the runtime's streaming server as they are", async () => {
    const { status, text } = await upgrade("/exec/shop/web/main?command=sh&command=-c&input=1&output=1&error=1", { input: "hello", until: "hello" });
    expect(status).toBe(101);
    const [asked, echo] = text.split("\n");
    const url = new URL((asked ?? "").split(" ")[1] ?? "", "http://runtime");
    expect([asked?.split(" ")[0], url.pathname, asked?.split(" ")[2], echo]).toEqual(["POST", "/exec/c1", "v4.channel.k8s.io", "hello"]);
    expect(JSON.parse(url.searchParams.get("cmd") ?? "")).toEqual(["sh", "-c"]);
    expect(JSON.parse(url.searchParams.get("options") ?? "")).toEqual({ stdin: true, stdout: true, stderr: true, tty: false });
  });

  it("of a terminal have no stderr", async () => {
    const { text } = await upgrade("/exec/shop/web/u1/main?command=sh&input=1&output=1&error=1&tty=1", { until: "\n" });
    const url = new URL(text.split(" ")[1] ?? "", "http://runtime");
    expect(JSON.parse(url.searchParams.get("options") ?? "")).toEqual({ stdin: true, stdout: true, stderr: false, tty: true });
  });

  it.each([
    ["/exec/shop/gone/main?command=ls&output=1", 404, "pod does not exist"],
    ["/exec/shop/web/side?command=ls&output=1", 404, 'container not found ("side")'],
    ["/exec/shop/web/main?command=ls", 400, "you must specify at least 1 of stdin, stdout, stderr"],
    ["/attach/shop/web/main?output=1", 501, "simulated containers cannot be attached to"],
    ["/portForward/shop/web?port=99999", 400, '"99999" is not a port'],
    ["/run/shop/web/main", 404, "404 page not found"],
  ])("%s: %i", async (path, status, message) => {
    expect(await upgrade(path)).toEqual({ status, text: `${message}\n` });
  });
});
