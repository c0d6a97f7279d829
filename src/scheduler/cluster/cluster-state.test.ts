import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aNode, aPod, clusterOf } from "../sample-objects.ts";
import { ClusterState } from "./cluster-state.ts";
import { podInfo } from "./pod-info.ts";
import type { PodMatcher } from "./pod-tallies.ts";

const web: PodMatcher = { key: "web", pair: "app=web", namespaces: new Set(["default"]), matches: ({ namespace, labels }) => namespace === "default" && labels["app"] === "web" };
const anyLoose: PodMatcher = { key: "loose", pair: undefined, namespaces: undefined, matches: ({ labels }) => labels["app"] !== undefined };

type Step =
  | { readonly do: "node"; readonly name: string; readonly zone: string }
  | { readonly do: "drop"; readonly name: string }
  | { readonly do: "put"; readonly pod: string; readonly app: string; readonly node: string; readonly repels: boolean }
  | { readonly do: "take"; readonly pod: string };

const names = fc.constantFrom("n1", "n2", "n3");
const podNames = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("node" as const), name: names, zone: fc.constantFrom("x", "y") }),
  fc.record({ do: fc.constant("drop" as const), name: names }),
  fc.record({ do: fc.constant("put" as const), pod: podNames, app: fc.constantFrom("web", "db"), node: names, repels: fc.boolean() }),
  fc.record({ do: fc.constant("take" as const), pod: podNames }),
);

const repelling = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone", labelSelector: { matchLabels: { app: "web" } } }] } };

describe("the counts of a cluster", () => {
  it("are those that counting anew gives, whatever came and went", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, askAt) => {
        const cluster = new ClusterState();
        const zones = new Map<string, string>();
        const placed = new Map<string, { app: string; node: string; repels: boolean }>();
        for (const [index, next] of steps.entries()) {
          // Asked for at some moment, then kept current.
          if (index === askAt) for (const matcher of [web, anyLoose]) cluster.tally(matcher).by("zone");
          if (next.do === "node") {
            zones.set(next.name, next.zone);
            cluster.setNode(aNode(next.name, { labels: { zone: next.zone } }));
          } else if (next.do === "drop") {
            zones.delete(next.name);
            cluster.removeNode(next.name);
          } else if (next.do === "put") {
            placed.set(next.pod, { app: next.app, node: next.node, repels: next.repels });
            cluster.addPod(podInfo(aPod(next.pod, { labels: { app: next.app }, requests: { cpu: "1" }, spec: next.repels ? { affinity: repelling } : {} })), next.node);
          } else {
            placed.delete(next.pod);
            cluster.removePod(`default/${next.pod}`);
          }
        }
        const count = (wanted: (pod: { app: string; repels: boolean }) => boolean): Record<string, number> => {
          const found: Record<string, number> = {};
          for (const pod of placed.values()) {
            const zone = zones.get(pod.node);
            if (zone !== undefined && wanted(pod)) found[zone] = (found[zone] ?? 0) + 1;
          }
          return found;
        };
        const holders: Record<string, number> = {};
        cluster.terms.requiredAntiAffinity.each({ app: "web" }, (group) => Object.assign(holders, Object.fromEntries(group.holders.by("zone"))));
        expect({
          web: Object.fromEntries(cluster.tally(web).by("zone")),
          loose: Object.fromEntries(cluster.tally(anyLoose).by("zone")),
          holders,
          nodes: cluster.nodes.map(({ name }) => name).sort(),
          cpu: cluster.nodes.map(({ name, milliCpu }) => [name, milliCpu]).sort(),
          domains: Object.fromEntries(cluster.domains("zone").values),
        }).toEqual({
          web: count(({ app }) => app === "web"),
          loose: count(() => true),
          holders: count(({ repels }) => repels),
          nodes: [...zones.keys()].sort(),
          cpu: [...zones.keys()].map((name) => [name, [...placed.values()].filter(({ node }) => node === name).length * 1000]).sort(),
          domains: Object.fromEntries([...new Set(zones.values())].map((zone) => [zone, [...zones.values()].filter((other) => other === zone).length])),
        });
      }),
      { numRuns: 300 },
    );
  });

  it("take newer facts about a pod without moving it", () => {
    const cluster = clusterOf([aNode("n1")], { n1: [aPod("a", { labels: { app: "web" } })] });
    expect(cluster.tally(web).by("kubernetes.io/hostname").get("n1")).toBe(1);
    const { generation } = cluster.nodes[0] ?? { generation: 0 };
    const newer = podInfo(aPod("a", { labels: { app: "web" }, status: { phase: "Running" } }));
    cluster.addPod(newer, "n1");
    expect([cluster.pod("default/a"), cluster.nodes[0]?.pods.get("default/a"), cluster.nodes[0]?.generation]).toEqual([newer, newer, generation]);
    cluster.addPod(podInfo(aPod("a", { labels: { app: "db" } })), "n1");
    expect([cluster.tally(web).by("kubernetes.io/hostname").get("n1"), cluster.nodes[0]?.generation]).toEqual([undefined, generation]);
    cluster.addPod(podInfo(aPod("a", { labels: { app: "web" }, requests: { cpu: "1" } })), "n1");
    expect(cluster.tally(web).by("kubernetes.io/hostname").get("n1")).toBe(1);
    expect(cluster.nodes[0]?.generation).not.toBe(generation);
  });
});

describe("the nodes", () => {
  it("take turns by zone", () => {
    const zone = (name: string) => ({ labels: { "topology.kubernetes.io/zone": name } });
    const cluster = clusterOf([aNode("a1", zone("a")), aNode("a2", zone("a")), aNode("a3", zone("a")), aNode("b1", zone("b")), aNode("c1"), aNode("b2", zone("b"))]);
    expect(cluster.nodes.map(({ name }) => name)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  it("are there only when they exist, and keep what pods take until then", () => {
    const cluster = clusterOf([], { n1: [aPod("a", { requests: { cpu: "1" } })] });
    expect([cluster.nodes, cluster.node("n1")]).toEqual([[], undefined]);
    cluster.setNode(aNode("n1"));
    expect(cluster.node("n1")?.milliCpu).toBe(1000);
    cluster.removeNode("n1");
    cluster.removePod("default/a");
    cluster.setNode(aNode("n1"));
    expect(cluster.node("n1")?.milliCpu).toBe(0);
  });

  it("never repeat a generation, not even under an old name", () => {
    const cluster = clusterOf([aNode("n1")]);
    const first = cluster.node("n1")?.generation ?? 0;
    cluster.removeNode("n1");
    cluster.setNode(aNode("n1"));
    expect(cluster.node("n1")?.generation).toBeGreaterThan(first);
  });
});

it("knows who holds an image", () => {
  const image = (size: number) => ({ images: [{ names: ["web:1", "web@sha"], sizeBytes: size }] });
  const cluster = clusterOf([aNode("n1", image(10)), aNode("n2", image(12)), aNode("n3")]);
  expect([...(cluster.images.holders("web:1") ?? [])]).toEqual([
    ["n1", 10],
    ["n2", 12],
  ]);
  cluster.setNode(aNode("n1"));
  cluster.removeNode("n2");
  expect(cluster.images.holders("web:1")).toBeUndefined();
});
