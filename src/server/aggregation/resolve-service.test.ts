import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { encodeForStore } from "../cache/cache-entry.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { ServiceResolver } from "./resolve-service.ts";
import { keyOf, trialState } from "./trial-state.ts";

const clock = new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
const service = (spec: object): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "s", namespace: "ns" },
  spec: { ports: [{ port: 443, name: "https" }], clusterIP: "10.43.0.9", ...spec },
});
const slice = (name: string, endpoints: readonly object[], ports: readonly object[] = [{ name: "https", port: 8443 }], of = "s"): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "ns", labels: { "kubernetes.io/service-name": of } },
  addressType: "IPv4",
  endpoints,
  ports,
});
const endpoints = (subsets: readonly object[]): object => ({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "s", namespace: "ns" }, subsets });
const at = (address: string, conditions?: object): object => ({ addresses: [address], ...(conditions === undefined ? {} : { conditions }) });

async function resolver(objects: readonly unknown[]): Promise<ServiceResolver> {
  return new ServiceResolver({ cache: await trialState(objects, { store: new MemoryStore(), clock }), random: seededRandom(1) });
}
const place = { namespace: "ns", name: "s", port: 443 };

describe("a service is", () => {
  it.each([
    [
      "a ready endpoint, by the port's name",
      [
        service({}),
        slice(
          "a",
          [at("10.0.0.1", { ready: false }), at("10.0.0.2", { ready: true })],
          [
            { name: "other", port: 1 },
            { name: "https", port: 8443 },
          ],
        ),
      ],
      "10.0.0.2:8443",
    ],
    ["an endpoint that does not say whether it is ready", [service({}), slice("a", [at("10.0.0.3")])], "10.0.0.3:8443"],
    ["an endpoint of a port without a name", [service({ ports: [{ port: 443 }] }), slice("a", [at("10.0.0.1")], [{ port: 9 }])], "10.0.0.1:9"],
    ["an endpoint, also without an address of its own", [service({ clusterIP: "None" }), slice("a", [at("10.0.0.1")])], "10.0.0.1:8443"],
    ["what Endpoints say when there is no slice", [service({}), endpoints([{ addresses: [{ ip: "10.0.0.7" }], ports: [{ name: "https", port: 5 }] }])], "10.0.0.7:5"],
    ["its own address when nobody here knows who is behind it", [service({})], "10.43.0.9:443"],
    ["another name", [service({ type: "ExternalName", externalName: "api.example.com", clusterIP: "", ports: [] })], "api.example.com:443"],
  ])("%s", async (_, objects, expected) => {
    const { host, port } = (await resolver(objects)).resolve(place);
    expect(`${host}:${port}`).toBe(expected);
  });

  it.each([
    ["it is not there", [], 'service "s" not found'],
    ["it has no such port", [service({ ports: [{ port: 80 }] })], 'no service port 443 found for service "s"'],
    ["no endpoint is ready", [service({}), slice("a", [at("10.0.0.1", { ready: false })])], 'no endpoints available for service "s"'],
    ["no slice has the port", [service({}), slice("a", [at("10.0.0.1")], [{ name: "x", port: 1 }])], 'no endpoints available for service "s"'],
    ["its pods are still to come", [service({ selector: { app: "x" } })], 'no endpoints available for service "s"'],
    ["nobody answers for its name", [service({ clusterIP: "None" })], 'no endpoints available for service "s"'],
    ["another one's slices are no help", [service({ selector: { app: "x" } }), slice("a", [at("10.0.0.1")], undefined, "t")], 'no endpoints available for service "s"'],
  ])("nowhere when %s", async (_, objects, message) => {
    const services = await resolver(objects);
    expect(() => services.resolve(place)).toThrow(message);
  });
});

it("follows the slices, and spreads over the endpoints", async () => {
  const store = new MemoryStore();
  const cache = await trialState([service({}), slice("a", [at("10.0.0.1")])], { store, clock });
  const services = new ServiceResolver({ cache, random: seededRandom(1) });
  const hosts = (): string[] => [...new Set(Array.from({ length: 50 }, () => services.resolve(place).host))].sort();
  expect(hosts()).toEqual(["10.0.0.1"]);
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  const second = slice("b", [at("10.0.0.2"), at("10.0.0.3")]);
  await cache.reached(await store.commit([{ type: "put", key: keyOf(second as never), value: encodeForStore(second as never) }]));
  expect(hosts()).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  await cache.reached(await store.commit([{ type: "put", key: keyOf(second as never), value: encodeForStore(slice("b", [at("10.0.0.9")], undefined, "t") as never) }]));
  expect(hosts()).toEqual(["10.0.0.1"]);
  stop.abort();
  await running;
});
