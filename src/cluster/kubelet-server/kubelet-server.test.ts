import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Identity, startTrialServer, type TrialServer } from "./trial-server.ts";

let trial: TrialServer;
beforeAll(async () => {
  trial = await startTrialServer(Date.now());
});
afterAll(() => trial.close());

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function get(path: string, { identity = "api server" as Identity, servername = "n1", headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...trial.connectAs(identity), servername, path, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", body }));
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, type: "", body: "" });
    });
    request.on("error", reject);
    request.end();
  });
}

const upgrade = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" };

describe("who may ask", () => {
  it.each([
    ["api server", 200],
    ["admin", 200],
    ["node", 403],
    ["stranger", 401],
    ["nobody", 401],
  ] as const)("%s: %i", async (identity, status) => {
    expect((await get("/pods", { identity })).status).toBe(status);
    expect((await get("/exec/shop/web/main?command=cat&output=1", { identity, headers: upgrade })).status).toBe(status === 200 ? 101 : status);
  });
});

describe("what is known of the node", () => {
  it("answers for the node that the caller's handshake names", async () => {
    const list = JSON.parse((await get("/pods/", { identity: "admin", servername: "n2" })).body) as { kind: string; items: { metadata: { labels: { node: string } } }[] };
    expect([list.kind, list.items.map(({ metadata }) => metadata.labels.node)]).toEqual(["PodList", ["n2"]]);
    expect(JSON.parse((await get("/stats/summary")).body)).toEqual({ node: { nodeName: "n1" }, pods: [] });
    expect(JSON.parse((await get("/configz")).body)).toEqual({ kubeletconfig: { kind: "KubeletConfiguration", maxPods: 110 } });
    expect((await get("/metrics/probes")).body).toBe(
      '# HELP probe_seconds Some\n# TYPE probe_seconds histogram\nprobe_seconds_bucket{pod="a\\"b",le="+Inf"} 2\nprobe_seconds_sum 0.5\n',
    );
  });

  it("tells the pods that the runtime has, by its own account", async () => {
    expect(JSON.parse((await get("/runningpods/")).body)).toMatchObject({
      kind: "PodList",
      items: [{ metadata: { name: "web", namespace: "shop", uid: "u1" }, spec: { containers: [{ name: "main", image: "nginx:1" }] } }],
    });
  });

  it("is healthy, and knows no other paths", async () => {
    expect(await get("/healthz")).toMatchObject({ status: 200, body: "ok" });
    expect((await get("/metrics")).status).toBe(200);
    expect((await get("/nothing")).status).toBe(404);
    expect((await get("/containerLogs/shop/%zz/main")).status).toBe(400);
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
    await new Promise<void>((resolve, reject) => {
      const request = httpsRequest({ ...trial.connectAs("api server"), path: "/containerLogs/shop/web/main?follow=true" }, (response) => {
        response.once("data", () => {
          request.destroy();
          resolve();
        });
        response.on("error", () => {});
      });
      request.on("error", reject);
      request.end();
    });
    expect(trial.followersGone).toHaveLength(1);
    await trial.followersGone[0];
  });
});

describe("streams that cannot be had", () => {
  it.each([
    ["/exec/shop/gone/main?command=ls&output=1", 404, "pod does not exist"],
    ["/exec/shop/web/side?command=ls&output=1", 404, 'container not found ("side")'],
    ["/exec/shop/web/main?command=ls", 400, "you must specify at least 1 of stdin, stdout, stderr"],
    ["/exec/shop/web/main?command=refuse&output=1", 403, "never"],
    ["/attach/shop/web/main?output=1", 501, "a simulated container cannot be attached to"],
    ["/portForward/shop/web?port=99999", 400, '"99999" is not a port'],
    ["/run/shop/web/main", 404, "404 page not found"],
  ])("%s: %i", async (path, status, message) => {
    const offers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-protocol": "v5.channel.k8s.io",
    };
    for (const headers of [upgrade, offers]) expect(await get(path, { headers })).toMatchObject({ status, body: `${message}\n` });
  });

  it("without an upgrade", async () => {
    expect(await get("/exec/shop/web/main?command=ls&output=1")).toMatchObject({ status: 400, body: "Upgrade request required\n" });
  });
});
