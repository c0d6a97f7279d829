import { describe, expect, it } from "vitest";
import type { Service } from "../../api/generated/types/core-v1.ts";
import { at, sampleNode, sampleService } from "../sample-objects.ts";
import { AddressPool } from "./address-pool.ts";
import { fromNodes, fromPool, isOurs } from "./plan.ts";

const balanced = (spec: Service["spec"] = {}, held: readonly string[] = []): Service => ({
  ...sampleService({ type: "LoadBalancer", ...spec }),
  status: { loadBalancer: { ingress: held.map((ip) => ({ ip })) } },
});
const node = (name: string, address: string, rest: { readonly ready?: string; readonly labels?: Record<string, string>; readonly external?: string } = {}) =>
  sampleNode(name, {
    labels: rest.labels ?? {},
    status: {
      conditions: [{ type: "Ready", status: rest.ready ?? "True" }],
      addresses: [{ type: "InternalIP", address }, ...(rest.external === undefined ? [] : [{ type: "ExternalIP", address: rest.external }])],
    },
  });

describe("AddressPool", () => {
  it("reads addresses, ranges and CIDRs", () => {
    const pool = new AddressPool("10.0.0.1, 10.0.1.0-10.0.1.2,192.168.0.0/30,fd00::/126");
    expect(["10.0.0.1", "10.0.1.2", "192.168.0.3", "fd00::3"].map((ip) => pool.contains(ip))).toEqual([true, true, true, true]);
    expect(["10.0.0.2", "10.0.1.3", "192.168.0.4", "fd00::4"].map((ip) => pool.contains(ip))).toEqual([false, false, false, false]);
    expect(pool.firstFree(4, new Set(["10.0.0.1", "10.0.1.0"]))).toBe("10.0.1.1");
    expect(new AddressPool("").isEmpty).toBe(true);
    expect(() => new AddressPool("10.0.0.1-fd00::1")).toThrow("is no address");
  });
});

describe("fromPool", () => {
  const pool = new AddressPool("10.0.0.1-10.0.0.3");
  const give = (service: Service, taken: readonly string[] = [], from = pool) => fromPool(service, from, new Set(taken)).map(({ ip }) => ip);
  it("gives the lowest free address and keeps what is held", () => {
    expect(give(balanced())).toEqual(["10.0.0.1"]);
    expect(give(balanced(), ["10.0.0.1"])).toEqual(["10.0.0.2"]);
    expect(give(balanced({}, ["10.0.0.3"]))).toEqual(["10.0.0.3"]);
    expect(give(balanced({}, ["10.9.9.9"]))).toEqual(["10.0.0.1"]);
    expect(give(balanced({}, ["10.0.0.3"]), ["10.0.0.3"])).toEqual(["10.0.0.1"]);
  });
  it("gives what is asked for, or says why not", () => {
    expect(give(balanced({ loadBalancerIP: "10.0.0.2" }, ["10.0.0.1"]))).toEqual(["10.0.0.2"]);
    expect(() => give(balanced({ loadBalancerIP: "10.0.0.2" }), ["10.0.0.2"])).toThrow("taken");
    expect(() => give(balanced({ loadBalancerIP: "10.0.9.2" }))).toThrow("not in the pool");
    expect(() => give(balanced(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"])).toThrow("no free address");
  });
  it("gives one of each family there is", () => {
    const both = balanced({ ipFamilies: ["IPv6", "IPv4"] });
    expect(give(both, [], new AddressPool("10.0.0.1,fd00::1"))).toEqual(["fd00::1", "10.0.0.1"]);
    expect(give(both)).toEqual(["10.0.0.1"]);
  });
});

describe("fromNodes", () => {
  const nodes = [
    node("b", "10.0.0.2"),
    node("a", "10.0.0.1"),
    node("down", "10.0.0.3", { ready: "Unknown" }),
    node("out", "10.0.0.4", { labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } }),
  ];
  const give = (service: Service, others: readonly Service[] = [], endpoints: readonly string[] = []) => fromNodes(service, nodes, others, new Set(endpoints)).map(({ ip }) => ip);
  it("names the ready nodes, by their external address if they have one", () => {
    expect(give(balanced())).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(fromNodes(balanced(), [node("a", "10.0.0.1", { external: "1.2.3.4" })], [], new Set()).map(({ ip }) => ip)).toEqual(["1.2.3.4"]);
  });
  it("names only nodes with endpoints for local traffic", () => {
    expect(give(balanced({ externalTrafficPolicy: "Local" }), [], ["b"])).toEqual(["10.0.0.2"]);
    expect(() => give(balanced({ externalTrafficPolicy: "Local" }))).toThrow("endpoint");
  });
  it("refuses the younger of two services on one port", () => {
    const older: Service = { ...balanced(), metadata: { name: "z", namespace: "ns", creationTimestamp: at(-5) } };
    expect(() => give(balanced(), [older])).toThrow("ns/z");
    expect(give({ ...older, spec: { ...older.spec } }, [balanced()])).toHaveLength(2);
    expect(give(balanced({ ports: [{ port: 80, protocol: "UDP" }] }), [older])).toHaveLength(2);
  });
});

it.each([
  [balanced(), true],
  [balanced({ loadBalancerClass: "other" }), false],
  [balanced({ loadBalancerClass: "mine" }), true],
  [sampleService({ type: "NodePort" }), false],
])("serves what names no class or its own", (service, served) => {
  expect(isOurs(service, "mine")).toBe(served);
});
