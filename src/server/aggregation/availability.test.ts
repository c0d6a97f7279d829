import { afterEach, describe, expect, it } from "vitest";
import type { APIService } from "../../api/generated/types/apiregistration-v1.ts";
import { silentLogger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { Client } from "../../client/client.ts";
import { noMetrics } from "../../base/metrics.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { encodeForStore } from "../cache/cache-entry.ts";
import { ApiServices } from "./api-services.ts";
import { AvailabilityReconciler, withCondition } from "./availability.ts";
import { ServiceResolver } from "./resolve-service.ts";
import { type TrialAnswer, type TrialPeers, trialPeers } from "./trial-peers.ts";
import { keyOf, trialState } from "./trial-state.ts";

const apiService = (spec: object): object => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: "v1.g.example.com" },
  spec: { group: "g.example.com", version: "v1", groupPriorityMinimum: 1, versionPriority: 1, ...spec },
});
const remote = apiService({ service: { namespace: "ns", name: "s", port: 443 } });
const service = (spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "s", namespace: "ns" },
  spec: { ports: [{ port: 443, name: "https" }], clusterIP: "10.43.0.9", ...spec },
});
const slice = (endpoints: readonly object[], portName = "https"): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "a", namespace: "ns", labels: { "kubernetes.io/service-name": "s" } },
  addressType: "IPv4",
  endpoints,
  ports: [{ name: portName, port: 8443 }],
});
const ready = slice([{ addresses: ["10.0.0.1"] }]);
const url = "https://10.0.0.1:8443/apis/g.example.com/v1";

interface World {
  readonly clock: VirtualClock;
  readonly peers: TrialPeers;
  readonly samples: string[];
  readonly learned: string[];
  put(object: object): Promise<void>;
  remove(object: object): Promise<void>;
  /** Status, reason and message of the APIService's condition. */
  condition(): readonly (string | undefined)[] | undefined;
  writes: number;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function world(objects: readonly object[], answer: (path: string) => TrialAnswer): Promise<World> {
  const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
  const store = new MemoryStore();
  const cache = await trialState(objects, { store, clock });
  const stop = new AbortController();
  const samples: string[] = [];
  const metrics: Metrics = {
    ...noMetrics,
    gauge: (name) => ({ set: (value, labels = []) => name.startsWith("aggregator") && samples.push(`${name} ${labels.join(" ")} ${value}`), add() {} }),
    counter: (name) => ({ inc: (labels = []) => name.startsWith("aggregator") && samples.push(`${name} ${labels.join(" ")}`) }),
  };
  const put = async (object: object): Promise<void> => {
    await cache.reached(await store.commit([{ type: "put", key: keyOf(object as never), value: encodeForStore(object as never) }]));
  };
  const apiServices = new ApiServices({ cache });
  const peers = trialPeers(({ path }) => answer(path));
  const learned: string[] = [];
  const made: World = {
    clock,
    peers,
    samples,
    learned,
    put,
    async remove(object) {
      await cache.reached(await store.commit([{ type: "delete", key: keyOf(object as never) }]));
    },
    condition() {
      const condition = apiServices.get("v1.g.example.com")?.status?.conditions?.[0];
      return condition === undefined ? undefined : [condition.status, condition.reason, condition.message];
    },
    writes: 0,
  };
  const client = {
    update: async (_resource: unknown, object: APIService) => {
      made.writes += 1;
      await put(object);
      return object;
    },
  } as unknown as Pick<Client, "update">;
  const services = new ServiceResolver({ cache, random: seededRandom(1) });
  const reconciler = new AvailabilityReconciler({
    cache,
    apiServices,
    services,
    client,
    peers,
    clock,
    metrics,
    log: silentLogger,
    learn: async ({ name }) => {
      await Promise.resolve();
      learned.push(`${name} ${String(made.condition()?.[0])}`);
    },
  });
  const running = [cache.run(stop.signal), reconciler.run(stop.signal)];
  ends.push(async () => {
    stop.abort(new Error("over"));
    await clock.settle();
    await Promise.all(running);
  });
  await clock.settle();
  return made;
}

describe("an APIService is", () => {
  const passes = (): TrialAnswer => ({ status: 200 });
  it.each([
    ["available when it is served here", [apiService({})], passes, ["True", "Local", "Local APIServices are always available"]],
    ["available when the server answers", [remote, service(), ready], passes, ["True", "Passed", "all checks passed"]],
    ["not, without its service", [remote], passes, ["False", "ServiceNotFound", 'service/s in "ns" is not present']],
    ["not, without the port", [remote, service({ ports: [{ port: 80 }] }), ready], passes, ["False", "ServicePortError", 'service/s in "ns" is not listening on port 443']],
    ["not, without endpoints", [remote, service()], passes, ["False", "EndpointsNotFound", 'cannot find endpointslices for service/s in "ns"']],
    [
      "not, with endpoints that are not ready",
      [remote, service(), slice([{ addresses: ["10.0.0.1"], conditions: { ready: false } }])],
      passes,
      ["False", "MissingEndpoints", 'endpointslices for service/s in "ns" have no addresses with port name "https"'],
    ],
    [
      "not, with endpoints of another port",
      [remote, service(), slice([{ addresses: ["10.0.0.1"] }], "metrics")],
      passes,
      ["False", "MissingEndpoints", 'endpointslices for service/s in "ns" have no addresses with port name "https"'],
    ],
    [
      "not, when it answers badly",
      [remote, service(), ready],
      (): TrialAnswer => ({ status: 403 }),
      ["False", "FailedDiscoveryCheck", `failing or missing response from ${url}: bad status from ${url}: 403`],
    ],
    [
      "not, when nobody is there",
      [remote, service(), ready],
      (): TrialAnswer => ({ error: "dial tcp 10.0.0.1:8443: connect: connection refused" }),
      ["False", "FailedDiscoveryCheck", `failing or missing response from ${url}: Get "${url}": dial tcp 10.0.0.1:8443: connect: connection refused`],
    ],
  ])("%s", async (_, objects, answer, expected) => {
    const { condition } = await world(objects, answer);
    expect(condition()).toEqual(expected);
  });
});

it("a server that hangs is given five seconds", async () => {
  const { clock, condition } = await world([remote, service(), ready], () => "hang");
  await clock.advance(4_900);
  expect(condition()).toBeUndefined();
  await clock.advance(200);
  expect(condition()?.slice(0, 2)).toEqual(["False", "FailedDiscoveryCheck"]);
  expect(condition()?.[2]).toContain("context deadline exceeded");
});

it("one good answer of several is enough", async () => {
  let asked = 0;
  const { condition } = await world([remote, service(), ready], () => {
    asked += 1;
    return asked === 3 ? { status: 200 } : { error: "refused" };
  });
  expect(condition()?.[1]).toBe("Passed");
});

it("asks as the aggregator, shows no trust in a certificate, and learns before it tells", async () => {
  const { peers, learned, condition } = await world([remote, service(), ready], () => ({ status: 200 }));
  expect(peers.asked[0]).toMatchObject({
    method: "GET",
    host: "10.0.0.1",
    port: 8443,
    path: "/apis/g.example.com/v1",
    serverName: "s.ns.svc",
    verify: false,
    headers: { "x-remote-user": "system:kube-aggregator", "x-remote-group": ["system:masters"] },
  });
  expect(learned[0]).toBe("v1.g.example.com undefined");
  expect(condition()?.[0]).toBe("True");
});

it("looks again when the service or its endpoints change, and every thirty seconds; writes only what is new", async () => {
  let status = 200;
  const made = await world([remote, service(), ready], () => ({ status }));
  const { clock, condition } = made;
  expect([condition()?.[1], made.writes]).toEqual(["Passed", 1]);
  await clock.advance(29_000);
  expect(made.writes).toBe(1);
  status = 500;
  await clock.advance(2_000);
  expect([condition()?.[1], made.writes]).toEqual(["FailedDiscoveryCheck", 2]);
  status = 200;
  await made.put(slice([{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"] }]));
  await clock.settle();
  expect(condition()?.[1]).toBe("Passed");
  await made.remove(service());
  await clock.settle();
  expect(condition()?.[1]).toBe("ServiceNotFound");
  await made.put(service());
  await clock.settle();
  expect(condition()?.[1]).toBe("Passed");
  const counted = made.samples.filter((sample) => sample.startsWith("aggregator_unavailable_apiservice_total"));
  expect(counted).toEqual([
    "aggregator_unavailable_apiservice_total v1.g.example.com FailedDiscoveryCheck",
    "aggregator_unavailable_apiservice_total v1.g.example.com ServiceNotFound",
  ]);
  expect(made.samples.at(-1)).toBe("aggregator_unavailable_apiservice v1.g.example.com 0");
});

it("a condition keeps its time while its status stays, and leaves others alone", () => {
  const other = { type: "Other", status: "True" };
  const first = withCondition([other], { status: "False", reason: "A", message: "a" }, 0);
  expect(first).toEqual([other, { type: "Available", status: "False", reason: "A", message: "a", lastTransitionTime: "1970-01-01T00:00:00Z" }]);
  expect(withCondition(first, { status: "False", reason: "B", message: "b" }, 5_000)[1]).toMatchObject({ reason: "B", lastTransitionTime: "1970-01-01T00:00:00Z" });
  expect(withCondition(first, { status: "True", reason: "C", message: "c" }, 5_000)[1]).toMatchObject({ reason: "C", lastTransitionTime: "1970-01-01T00:00:05Z" });
});
