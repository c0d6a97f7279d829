import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endpointSlices, services } from "../../../api/generated/resources.ts";
import { silentLogger } from "../../../base/log.ts";
import { noMetrics } from "../../../base/metrics.ts";
import { systemClock } from "../../../platform/node/clock.ts";
import { nodeProcesses } from "../../../platform/node/processes.ts";
import { fedInformers } from "../../fed-informers.ts";
import { sampleService, sampleSlice } from "../../sample-services.ts";
import { removeProxyRules } from "../nft.ts";
import { ServiceProxy } from "../service-proxy.ts";
import { type TestNamespaces, testNamespaces } from "./test-namespaces.ts";

const isRoot = process.getuid?.() === 0;
const tools = await Promise.all(["ip", "nft"].map((tool) => nodeProcesses.find(tool, ["/usr/sbin"])));
const why = !isRoot ? "needs root" : tools.includes(undefined) ? "needs ip and nft" : undefined;

describe.skipIf(why !== undefined)(`packets through the rules${why === undefined ? "" : ` (${why})`}`, () => {
  const informers = fedInformers();
  const ending = new AbortController();
  let net: TestNamespaces;
  let running: Promise<void> | undefined;
  let wrote: () => void = () => {};

  /** Puts objects and waits until a script with them has been taken by nft. */
  const settled = async (change: () => void): Promise<void> => {
    const done = new Promise<void>((resolve) => (wrote = resolve));
    change();
    await Promise.race([done, running]);
  };

  beforeAll(async () => {
    net = await testNamespaces(["a", "b", "c"], { processes: nodeProcesses, tag: String(process.pid) });
    for (const pod of ["a", "b", "node"]) await net.serve(pod, 8080);
    informers.put(
      services,
      sampleService("web", { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] }),
      sampleService("idle", { clusterIP: "10.96.0.21" }),
      sampleService("sticky", { clusterIP: "10.96.0.22", sessionAffinity: "ClientIP" }),
      sampleService("kept", { clusterIP: "10.96.0.23", type: "NodePort", externalTrafficPolicy: "Local", ports: [{ name: "http", port: 80, nodePort: 30081 }] }),
      sampleService(
        "walled",
        { clusterIP: "10.96.0.24", type: "LoadBalancer", loadBalancerSourceRanges: ["10.9.0.0/16"], ports: [{ name: "http", port: 81 }] },
        { status: { loadBalancer: { ingress: [{ ip: "192.168.77.1" }] } } },
      ),
      sampleService(
        "open",
        { clusterIP: "10.96.0.25", type: "LoadBalancer", loadBalancerSourceRanges: ["192.168.77.0/24"], ports: [{ name: "http", port: 82 }] },
        { status: { loadBalancer: { ingress: [{ ip: "192.168.77.1" }] } } },
      ),
    );
    for (const name of ["web", "sticky", "walled", "open"]) informers.put(endpointSlices, sampleSlice(name, ["10.244.0.2", "10.244.0.3"]));
    informers.put(services, sampleService("kubernetes", { clusterIP: "10.96.0.1" }));
    informers.put(endpointSlices, sampleSlice("kept", ["10.244.0.2"]), sampleSlice("kubernetes", ["192.168.77.1"]));
    const processes = {
      ...net.node,
      run: async (...args: Parameters<typeof net.node.run>) => {
        const result = await net.node.run(...args);
        expect(result).toMatchObject({ code: 0, stderr: "" });
        wrote();
        return result;
      },
    };
    const proxy = new ServiceProxy(
      { nodeName: "n1", nodeIps: ["192.168.77.1"], clusterCidr: "10.244.0.0/16", table: "trial" },
      { informers: informers.factory, processes, clock: systemClock, log: silentLogger, metrics: noMetrics },
    );
    await settled(() => {
      running = proxy.run(ending.signal);
    });
  }, 60_000);

  afterAll(async () => {
    ending.abort();
    try {
      await running;
    } finally {
      await net.close();
    }
  });

  const names = (answers: readonly string[]): readonly string[] => [...new Set(answers.map((answer) => answer.split(" ")[0] ?? ""))].sort();

  it("spreads a cluster IP over the endpoints and keeps a pod's address", async () => {
    const answers = await net.connect("c", { host: "10.96.0.20", port: 80, times: 24 });
    expect([...new Set(answers)].sort()).toEqual(["a 10.244.0.4", "b 10.244.0.4"]);
  });

  it("serves the node itself and clients outside by masquerading", async () => {
    expect(names(await net.connect("node", { host: "10.96.0.20", port: 80, times: 24 }))).toEqual(["a", "b"]);
    expect([...new Set(await net.connect("outside", { host: "10.96.0.20", port: 80, times: 24 }))].sort()).toEqual(["a 10.244.0.1", "b 10.244.0.1"]);
  });

  it("lets a pod reach itself through its service", async () => {
    const answers = await net.connect("a", { host: "10.96.0.20", port: 80, times: 24 });
    expect([...new Set(answers)].sort()).toEqual(["a 10.244.0.1", "b 10.244.0.2"]);
  });

  it("leads pods, the node and others to what the node itself serves", async () => {
    expect(await net.connect("c", { host: "10.96.0.1", port: 80, times: 1 })).toEqual(["node 10.244.0.4"]);
    expect(names(await net.connect("node", { host: "10.96.0.1", port: 80, times: 1 }))).toEqual(["node"]);
    expect(names(await net.connect("outside", { host: "10.96.0.1", port: 80, times: 1 }))).toEqual(["node"]);
  });

  it("hides pods' addresses from the world outside", async () => {
    await net.serve("outside", 8080);
    expect(await net.connect("c", { host: "192.168.77.2", port: 8080, times: 1 })).toEqual(["outside 192.168.77.1"]);
  });

  it("answers node ports, with the client's address when traffic stays local", async () => {
    expect([...new Set(await net.connect("outside", { host: "192.168.77.1", port: 30080, times: 24 }))].sort()).toEqual(["a 10.244.0.1", "b 10.244.0.1"]);
    expect(await net.connect("outside", { host: "192.168.77.1", port: 30081, times: 2 })).toEqual(["a 192.168.77.2", "a 192.168.77.2"]);
    expect(names(await net.connect("c", { host: "192.168.77.1", port: 30080, times: 24 }))).toEqual(["a", "b"]);
  });

  it("refuses services without endpoints and ports that a service does not have", async () => {
    for (const from of ["c", "node", "outside"]) {
      expect(await net.connect(from, { host: "10.96.0.21", port: 80, times: 1 }), from).toEqual(["ECONNREFUSED"]);
      expect(await net.connect(from, { host: "10.96.0.20", port: 99, times: 1 }), from).toEqual(["ECONNREFUSED"]);
    }
  });

  it("keeps a client with its endpoint", async () => {
    expect(new Set(await net.connect("c", { host: "10.96.0.22", port: 80, times: 16 })).size).toBe(1);
  });

  it("lets only the named ranges use a load balancer's address", async () => {
    expect(await net.connect("outside", { host: "192.168.77.1", port: 81, times: 1 })).toEqual(["timeout"]);
    expect(names(await net.connect("outside", { host: "192.168.77.1", port: 82, times: 24 }))).toEqual(["a", "b"]);
  });

  it("follows changes, and removes everything at the end", async () => {
    await settled(() => informers.put(endpointSlices, sampleSlice("web", ["10.244.0.3"]), sampleSlice("idle", ["10.244.0.2"])));
    expect(names(await net.connect("c", { host: "10.96.0.20", port: 80, times: 12 }))).toEqual(["b"]);
    expect(names(await net.connect("c", { host: "10.96.0.21", port: 80, times: 2 }))).toEqual(["a"]);
    await settled(() => informers.remove(services, "default/web"));
    expect(names(await net.connect("outside", { host: "192.168.77.1", port: 30080, times: 1 }))).toEqual(["ECONNREFUSED"]);
    await removeProxyRules("trial", { processes: net.node });
    await removeProxyRules("trial", { processes: net.node });
    expect((await net.node.run("nft", ["list", "tables"])).stdout).toBe("");
  });
});
