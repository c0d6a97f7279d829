import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { pods } from "../../src/api/generated/resources.ts";
import type { ExtenderClient, ExtenderRequest } from "../../src/platform/extender-client.ts";
import { nodeExtenderClient } from "../../src/platform/node/extender-client.ts";
import type { ExtenderOptions } from "../../src/scheduler/extenders/extender.ts";
import { schedulerWorld, type SchedulerWorld } from "./scheduler-world.ts";

const place = { namespace: "default" };
const noTls = { insecure: false, serverName: "", ca: "", cert: "", key: "" };
const extender = (more: Partial<ExtenderOptions> = {}): ExtenderOptions => ({
  urlPrefix: "http://ext/v1/",
  filterVerb: "",
  preemptVerb: "",
  prioritizeVerb: "",
  bindVerb: "",
  weight: 1,
  tls: noTls,
  timeoutMs: 1_000,
  nodeCacheCapable: true,
  managedResources: [],
  ignorable: false,
  ...more,
});

/** What was asked, by verb; answers come from `answers`. */
function scripted(answers: Readonly<Record<string, (args: Record<string, unknown>) => unknown>>): {
  readonly client: ExtenderClient;
  readonly asked: (readonly [string, Record<string, unknown>])[];
} {
  const asked: [string, Record<string, unknown>][] = [];
  const client = {
    async post({ url, body }: ExtenderRequest) {
      const verb = url.slice(url.lastIndexOf("/") + 1);
      const args = JSON.parse(body) as Record<string, unknown>;
      asked.push([verb, args]);
      const answer = answers[verb];
      if (answer === undefined) return { status: 404, body: "" };
      return { status: 200, body: JSON.stringify(await answer(args)) };
    },
  };
  return { client, asked };
}

let world: SchedulerWorld;
afterEach(() => world.stop());
const start = async (extenders: readonly ExtenderOptions[], client: ExtenderClient): Promise<void> => {
  world = await schedulerWorld({ extenders, extenderClient: client });
};

describe("an extender", () => {
  it("filters, by name or by node, and is told of the pod", async () => {
    const { client, asked } = scripted({
      filter: ({ NodeNames }) => ({ NodeNames: (NodeNames as string[]).filter((name) => name !== "n1"), FailedNodes: { n1: "too loud" } }),
      other: ({ Nodes }) => ({ nodes: { items: (Nodes as { items: { metadata: { name: string } }[] }).items.filter(({ metadata }) => metadata.name !== "n2") } }),
    });
    await start([extender({ filterVerb: "filter" }), extender({ filterVerb: "other", nodeCacheCapable: false })], client);
    for (const name of ["n1", "n2", "n3"]) await world.addNode(name);
    await world.addPod("web");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n3" });
    expect(asked.map(([verb]) => verb)).toEqual(["filter", "other"]);
    expect(asked[0]?.[1]).toMatchObject({ Pod: { metadata: { name: "web" } }, Nodes: null });
    expect(asked[1]?.[1]).toMatchObject({ NodeNames: null });
  });

  it("that lets nothing pass is told of, and the pod is tried again whatever happens", async () => {
    let isOpen = false;
    const { client } = scripted({
      filter: ({ NodeNames }) => (isOpen ? { NodeNames } : { NodeNames: [], FailedNodes: { n1: "no licence" }, FailedAndUnresolvableNodes: { n2: "no card" } }),
    });
    await start([extender({ filterVerb: "filter" })], client);
    for (const name of ["n1", "n2"]) await world.addNode(name);
    await world.addPod("web");
    await world.settle();
    const message =
      "0/2 nodes are available: 1 no card, 1 no licence. no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.";
    expect((await world.pod("web")).status?.conditions).toMatchObject([{ reason: "Unschedulable", message }]);
    isOpen = true;
    await world.addPod("elsewhere", { spec: { nodeName: "n1" } });
    await world.advance(5);
    expect(await world.bound()).toMatchObject({ elsewhere: "n1" });
    expect((await world.bound())["web"]).toBeDefined();
  });

  it("gives points", async () => {
    const { client } = scripted({ rate: () => [{ host: "n2", score: 10 }] });
    await start([extender({ prioritizeVerb: "rate", weight: 5 })], client);
    for (const name of ["n1", "n2", "n3"]) await world.addNode(name);
    for (const name of ["a", "b", "c"]) await world.addPod(name, { cpu: "1" });
    await world.settle();
    expect(await world.bound()).toEqual({ a: "n2", b: "n2", c: "n2" });
  });

  it("binds instead of the scheduler", async () => {
    const { client, asked } = scripted({
      bind: async ({ PodName, PodUID, Node }) => {
        await world.client.createSubresource(
          pods,
          String(PodName),
          "binding",
          { apiVersion: "v1", kind: "Binding", metadata: { name: PodName, uid: PodUID }, target: { kind: "Node", name: Node } },
          place,
        );
        return {};
      },
    });
    await start([extender({ bindVerb: "bind" })], client);
    await world.addNode("n1");
    await world.addPod("web");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
    expect(asked).toEqual([["bind", { PodName: "web", PodNamespace: "default", PodUID: (await world.pod("web")).metadata.uid, Node: "n1" }]]);
    expect(await world.eventsOf("web")).toEqual(["Normal Scheduled Successfully assigned default/web to n1"]);
  });

  it("has a say in whom to end", async () => {
    const { client, asked } = scripted({ preempt: ({ NodeNameToMetaVictims }) => ({ NodeNameToMetaVictims: { n2: (NodeNameToMetaVictims as Record<string, unknown>)["n2"] } }) });
    await start([extender({ preemptVerb: "preempt" })], client);
    for (const name of ["n1", "n2", "n3"]) {
      await world.addNode(name);
      await world.addPod(`low-${name}`, { cpu: "3", spec: { nodeSelector: { "kubernetes.io/hostname": name }, terminationGracePeriodSeconds: 0 } });
    }
    await world.settle();
    await world.addPod("high", { cpu: "3", spec: { priorityClassName: "high" } });
    await world.settle();
    expect(Object.keys(asked[0]?.[1]["NodeNameToMetaVictims"] as object).sort()).toEqual(["n1", "n2", "n3"]);
    await world.advance(5);
    expect(await world.bound()).toMatchObject({ high: "n2", "low-n1": "n1", "low-n3": "n3" });
  });

  it("is only asked about pods that ask for what it manages", async () => {
    const { client, asked } = scripted({ filter: ({ NodeNames }) => ({ NodeNames }) });
    await start([extender({ filterVerb: "filter", managedResources: [{ name: "example.com/foo", ignoredByScheduler: false }] })], client);
    await world.addNode("n1", { allocatable: { cpu: "4", memory: "8Gi", pods: "110", "example.com/foo": "4" } });
    await world.addPod("plain");
    await world.settle();
    expect(asked).toEqual([]);
    const resources = { limits: { "example.com/foo": "1" }, requests: { "example.com/foo": "1" } };
    await world.addPod("foo", { spec: { containers: [{ name: "c", image: "web:1", resources }] } });
    await world.settle();
    expect([asked.length, await world.bound()]).toEqual([1, { plain: "n1", foo: "n1" }]);
  });

  it("that fails keeps pods waiting, unless it may be ignored", async () => {
    let isIll = true;
    const { client } = scripted({
      filter: ({ NodeNames }) => {
        if (isIll) throw new Error("connection refused");
        return { NodeNames };
      },
    });
    await start([extender({ filterVerb: "filter" })], client);
    await world.addNode("n1");
    await world.addPod("web");
    await world.settle();
    expect((await world.pod("web")).status?.conditions).toMatchObject([{ reason: "SchedulerError", message: "connection refused" }]);
    isIll = false;
    await world.advance(20);
    expect(await world.bound()).toEqual({ web: "n1" });
    await world.stop();
    await start([extender({ filterVerb: "nothing-there", ignorable: true })], client);
    await world.addNode("n1");
    await world.addPod("web");
    await world.settle();
    expect(await world.bound()).toEqual({ web: "n1" });
  });

  it("whose answer comes late finds the cluster as it is then", async () => {
    let answer: (value: unknown) => void = () => {};
    const { client } = scripted({ filter: () => new Promise((resolve) => (answer = resolve)) });
    await start([extender({ filterVerb: "filter" })], client);
    for (const name of ["n1", "n2"]) await world.addNode(name, { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    await world.addPod("web", { cpu: "1" });
    await world.settle();
    await world.addPod("first", { cpu: "1", spec: { nodeName: "n1" } });
    await world.settle();
    answer({ NodeNames: ["n1", "n2"] });
    await world.settle();
    expect(await world.bound()).toEqual({ first: "n1", web: "n2" });
  });

  it("that answers for a pod that is gone changes nothing", async () => {
    let answer: (value: unknown) => void = () => {};
    const { client } = scripted({ filter: () => new Promise((resolve) => (answer = resolve)) });
    await start([extender({ filterVerb: "filter" })], client);
    await world.addNode("n1");
    await world.addPod("web");
    await world.settle();
    await world.client.delete(pods, "web", { ...place, gracePeriodSeconds: 0 });
    await world.settle();
    answer({ NodeNames: ["n1"] });
    await world.settle();
    expect(await world.events()).toEqual([]);
  });
});

describe("over HTTP", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  const serve = async (status: number, body: string): Promise<string> => {
    const server = createServer((_request, response) => {
      response.statusCode = status;
      response.end(body);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it("the answer comes back, or why there is none", async () => {
    world = await schedulerWorld();
    const client = nodeExtenderClient();
    const ask = (url: string) => client.post({ url, body: "{}", timeoutMs: 5_000, tls: noTls });
    const url = await serve(200, '{"a":1}');
    expect(await ask(`${url}/filter`)).toEqual({ status: 200, body: '{"a":1}' });
    expect((await ask(`${await serve(500, "")}/filter`)).status).toBe(500);
    const [first] = servers.splice(0, 1);
    client.close();
    await new Promise((resolve) => first?.close(resolve));
    await expect(ask(`${url}/filter`)).rejects.toThrow(/^Post "http:\/\/127\.0\.0\.1:\d+\/filter": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
    client.close();
  });
});
