import { afterEach, expect, it } from "vitest";
import { silentLogger } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { ApiServices, type RemoteApiService } from "./api-services.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { PeerFacts } from "./peer-facts.ts";
import { PeerOpenApi } from "./peer-openapi.ts";
import { ServiceResolver } from "./resolve-service.ts";
import { type TrialAnswer, type TrialPeers, trialPeers } from "./trial-peers.ts";
import { trialState } from "./trial-state.ts";

const service = (name: string): object => ({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "ns" }, spec: { ports: [{ port: 443 }], clusterIP: "10.43.0.9" } });
const apiService = (group: string, name: string, status = "True"): object => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: `v1.${group}` },
  spec: { group, version: "v1", groupPriorityMinimum: 50, versionPriority: 5, service: { namespace: "ns", name, port: 443 } },
  status: { conditions: [{ type: "Available", status, reason: "x", message: "x" }] },
});

interface World {
  readonly clock: VirtualClock;
  readonly peers: TrialPeers;
  readonly facts: PeerFacts;
  readonly directory: PeerDirectory;
  readonly openApi: PeerOpenApi;
  remote(group: string): RemoteApiService;
}

const stop = new AbortController();
const stores: MemoryStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function world(objects: readonly object[], answer: (path: string, headers: { readonly [name: string]: unknown }) => TrialAnswer): Promise<World> {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const store = new MemoryStore();
  stores.push(store);
  const cache = await trialState(objects, { store, clock });
  const apiServices = new ApiServices({ cache });
  const services = new ServiceResolver({ cache, random: seededRandom(1) });
  const peers = trialPeers(({ path, headers }) => answer(path, headers));
  const deps = { apiServices, services, peers, clock, log: silentLogger };
  const facts = new PeerFacts({ ...deps, changed: () => directory.changed() });
  const directory: PeerDirectory = new PeerDirectory({ apiServices, facts });
  return {
    clock,
    peers,
    facts,
    directory,
    openApi: new PeerOpenApi({ ...deps, facts }),
    remote(group) {
      const found = apiServices.remote(`v1.${group}`);
      if (found === undefined) throw new Error(`no ${group}`);
      return found;
    },
  };
}

const widgets = { resource: "widgets", responseKind: { group: "g.com", version: "v1", kind: "Widget" }, scope: "Cluster", singularResource: "widget", verbs: ["get"] };
const aggregated = { kind: "APIGroupDiscoveryList", items: [{ metadata: { name: "g.com" }, versions: [{ version: "v1", resources: [widgets] }] }] };

it("is stale until it was asked, current then, and stale again when it fails or is not there", async () => {
  let answer: TrialAnswer = { status: 200, headers: { etag: '"1"' }, json: aggregated };
  const { facts, directory, peers, remote } = await world([service("s"), apiService("g.com", "s")], (path) => (path === "/apis" ? answer : { status: 404 }));
  expect(directory.peers()).toEqual([{ group: "g.com", version: "v1", resources: [], freshness: "Stale" }]);
  expect(directory.priorityOf("g.com", "v1")).toEqual({ group: 50, version: 5 });
  await facts.learn(remote("g.com"), stop.signal);
  expect(directory.peers()).toEqual([{ group: "g.com", version: "v1", resources: [widgets], freshness: "Current" }]);
  const { generation } = directory;
  answer = { status: 304 };
  await facts.learn(remote("g.com"), stop.signal);
  expect(peers.asked.filter(({ path }) => path === "/apis").at(-1)?.headers["if-none-match"]).toBe('"1"');
  expect([directory.generation, directory.peers()[0]?.freshness]).toEqual([generation, "Current"]);
  answer = { error: "refused" };
  await facts.learn(remote("g.com"), stop.signal);
  expect(directory.peers()).toEqual([{ group: "g.com", version: "v1", resources: [widgets], freshness: "Stale" }]);
  expect(directory.generation).toBeGreaterThan(generation);
});

it("one that is not available is stale whatever is known of it", async () => {
  const { facts, directory, remote } = await world([service("s"), apiService("g.com", "s", "False")], () => ({ status: 200, json: aggregated }));
  await facts.learn(remote("g.com"), stop.signal);
  expect(directory.peers()[0]?.freshness).toBe("Stale");
});

it("knows the older discovery of several group versions of one server", async () => {
  const list = (kind: string): object => ({ kind: "APIResourceList", resources: [{ name: "things", kind, namespaced: false, verbs: ["get"] }] });
  const { facts, directory, remote } = await world([service("s"), apiService("a.com", "s"), apiService("b.com", "s")], (path) => {
    if (path === "/apis/a.com/v1") return { status: 200, json: list("A") };
    return path === "/apis/b.com/v1" ? { status: 200, json: list("B") } : { status: 404 };
  });
  await Promise.all([facts.learn(remote("a.com"), stop.signal), facts.learn(remote("b.com"), stop.signal)]);
  expect(directory.peers().map(({ group, resources, freshness }) => [group, resources[0]?.responseKind?.kind, freshness])).toEqual([
    ["a.com", "A", "Current"],
    ["b.com", "B", "Current"],
  ]);
});

const v2 = (group: string): TrialAnswer => ({
  status: 200,
  headers: { etag: '"v"' },
  json: { swagger: "2.0", paths: { [`/apis/${group}/v1/x`]: { get: {} }, "/apis/apps/v1/y": {} }, definitions: {} },
});

it("OpenAPI v2 is asked for when somebody wants it, once a minute", async () => {
  const { clock, openApi, peers } = await world([service("s"), apiService("g.com", "s")], (_, headers) => (headers["if-none-match"] === undefined ? v2("g.com") : { status: 304 }));
  expect(peers.asked).toHaveLength(0);
  const first = await openApi.v2();
  expect(first.documents.map(({ paths }) => Object.keys(paths as object))).toEqual([["/apis/g.com/v1/x"]]);
  expect(await openApi.v2()).toBe(first);
  expect(peers.asked).toHaveLength(1);
  await clock.advance(61_000);
  expect(await openApi.v2()).toBe(first);
  await clock.settle();
  expect(peers.asked).toHaveLength(2);
});

it("a server that hangs delays the others' documents by two seconds, once; one that is not available not at all", async () => {
  const state = [service("s"), service("slow"), service("dead"), apiService("g.com", "s"), apiService("slow.com", "slow"), apiService("dead.com", "dead", "False")];
  let hanging = 0;
  const { clock, openApi, peers } = await world(state, () => {
    hanging += 1;
    return hanging === 1 ? v2("g.com") : "hang";
  });
  let answered = 0;
  const asking = openApi.v2().then(({ documents }) => {
    answered += 1;
    return documents;
  });
  await clock.advance(1_900);
  expect(answered).toBe(0);
  await clock.advance(200);
  expect(await asking).toHaveLength(1);
  await clock.advance(5_000);
  expect((await openApi.v2()).documents).toHaveLength(1);
  expect(peers.asked).toHaveLength(2);
  expect(openApi.hashes()).toEqual(
    new Map([
      ["apis/dead.com/v1", undefined],
      ["apis/g.com/v1", undefined],
      ["apis/slow.com/v1", undefined],
    ]),
  );
});

it("a document that is too large or none at all is left out", async () => {
  const { openApi } = await world([service("s"), apiService("g.com", "s")], () => ({ status: 200, json: { swagger: "2.0", paths: { "/apis/g.com/v1/x": "x".repeat(17 << 20) } } }));
  expect((await openApi.v2()).documents).toEqual([]);
  const other = await world([service("s"), apiService("g.com", "s")], () => ({ status: 200, json: ["no document"] }));
  expect((await other.openApi.v2()).documents).toEqual([]);
});
