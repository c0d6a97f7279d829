import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pod, TopologySpreadConstraint } from "../../api/generated/types/core-v1.ts";
import { knownSelector } from "../cluster/known-selector.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, cycleOf, scores, verdicts } from "../sample-objects.ts";
import { podTopologySpread } from "./pod-topology-spread.ts";

const skew = "node(s) didn't match pod topology spread constraints";
const unlabelled = "node(s) didn't match pod topology spread constraints (missing required label)!";
const web = { app: "web" };
const plugin = podTopologySpread({}, () => undefined);

const spread = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey: "zone",
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: web },
  ...more,
});
const spreading = (...topologySpreadConstraints: readonly TopologySpreadConstraint[]) => aPod("p", { labels: web, spec: { topologySpreadConstraints } });
const webs = (prefix: string, count: number): Pod[] => Array.from({ length: count }, (_, index) => aPod(`${prefix}${index}`, { labels: web }));
const node = (name: string, zone?: string) => aNode(name, { labels: zone === undefined ? {} : { zone } });
/** Two zones of two nodes; `counts` of matching pods on a1, a2, b1, b2. */
const zones = (...counts: readonly number[]) => {
  const names = ["a1", "a2", "b1", "b2"];
  return clusterOf(
    names.map((name) => node(name, name.slice(0, 1))),
    Object.fromEntries(names.map((name, index) => [name, webs(name, counts[index] ?? 0)])),
  );
};

describe("required constraints", () => {
  it.each([
    ["even zones take a pod anywhere", [1, 0, 1, 0], spread(), { a1: "ok", a2: "ok", b1: "ok", b2: "ok" }],
    ["the fuller zone takes none", [1, 1, 1, 0], spread(), { a1: skew, a2: skew, b1: "ok", b2: "ok" }],
    ["a wider skew allows it", [1, 1, 1, 0], spread({ maxSkew: 2 }), { a1: "ok", a2: "ok", b1: "ok", b2: "ok" }],
    ["nodes are topologies too", [2, 1, 0, 3], spread({ topologyKey: "kubernetes.io/hostname" }), { a1: skew, a2: skew, b1: "ok", b2: skew }],
    ["fewer domains than wished: there might be an empty one", [1, 0, 1, 0], spread({ minDomains: 3 }), { a1: skew, a2: skew, b1: skew, b2: skew }],
    ["as many domains as wished", [1, 0, 1, 0], spread({ minDomains: 2 }), { a1: "ok", a2: "ok", b1: "ok", b2: "ok" }],
  ])("%s", (_what, counts, constraint, expected) => {
    expect(verdicts(spreading(constraint), zones(...counts), [plugin])).toEqual(expected);
  });

  it("do not count a pod that they do not select", () => {
    const stranger = aPod("p", { spec: { topologySpreadConstraints: [spread()] } });
    expect(verdicts(stranger, zones(1, 0, 0, 0), [plugin])).toEqual({ a1: "ok", a2: "ok", b1: "ok", b2: "ok" });
    expect(verdicts(stranger, zones(2, 0, 0, 0), [plugin])).toEqual({ a1: skew, a2: skew, b1: "ok", b2: "ok" });
  });

  it("all hold together", () => {
    const cluster = zones(1, 0, 1, 1);
    expect(verdicts(spreading(spread(), spread({ topologyKey: "kubernetes.io/hostname" })), cluster, [plugin])).toEqual({ a1: skew, a2: "ok", b1: skew, b2: skew });
  });

  it("need their labels on the node", () => {
    const cluster = clusterOf([node("a", "a"), node("x")]);
    expect(verdicts(spreading(spread()), cluster, [plugin])).toEqual({ a: "ok", x: unlabelled });
  });

  it("do not count pods elsewhere, pods that end, and nodes that the pod cannot go to", () => {
    const others = [aPod("o", { namespace: "other", labels: web }), aPod("gone", { labels: web, deleted: true })];
    expect(verdicts(spreading(spread()), clusterOf([node("a", "a"), node("b", "b")], { a: others }), [plugin])).toEqual({ a: "ok", b: "ok" });
    // Zone b is out of reach, so that its emptiness says nothing.
    const cluster = zones(1, 0, 0, 0);
    const bound = aPod("p", { labels: web, spec: { nodeSelector: { zone: "a" }, topologySpreadConstraints: [spread()] } });
    expect(verdicts(bound, cluster, [plugin])).toMatchObject({ a1: "ok", a2: "ok" });
    const ignoring = aPod("p", { labels: web, spec: { nodeSelector: { zone: "a" }, topologySpreadConstraints: [spread({ nodeAffinityPolicy: "Ignore" })] } });
    expect(verdicts(ignoring, cluster, [plugin])).toMatchObject({ a1: skew, a2: skew });
  });

  it("look at taints where they are told to", () => {
    const tainted = aNode("b", { labels: { zone: "b" }, spec: { taints: [{ key: "t", effect: "NoSchedule" }] } });
    const cluster = clusterOf([node("a", "a"), tainted], { a: webs("a", 1) });
    expect(verdicts(spreading(spread()), cluster, [plugin])["a"]).toBe(skew);
    expect(verdicts(spreading(spread({ nodeTaintsPolicy: "Honor" })), cluster, [plugin])["a"]).toBe("ok");
  });

  it("count by the pod's own labels where matchLabelKeys name them", () => {
    const old = aPod("old", { labels: { ...web, version: "1" } });
    const cluster = clusterOf([node("a", "a"), node("b", "b")], { a: [old] });
    const pod = (version: string) => aPod("p", { labels: { ...web, version }, spec: { topologySpreadConstraints: [spread({ matchLabelKeys: ["version"] })] } });
    expect([verdicts(pod("1"), cluster, [plugin])["a"], verdicts(pod("2"), cluster, [plugin])["a"]]).toEqual([skew, "ok"]);
  });

  it("are tried with pods taken off and put on", () => {
    const cluster = zones(1, 1, 1, 0);
    const [a1] = cluster.nodes;
    if (a1 === undefined) throw new Error("a node");
    const cycle = cycleOf(spreading(spread()), cluster, [plugin]);
    const trial = cycle.try(a1);
    const victim = [...a1.pods.values()][0];
    if (victim === undefined) throw new Error("a pod");
    trial.remove(victim);
    expect([trial.judge(), cycle.judge(a1)?.rejections[0]?.reason]).toEqual([undefined, skew]);
    trial.add(victim);
    expect(trial.judge()?.rejections[0]?.reason).toBe(skew);
  });
});

describe("wished constraints", () => {
  const wish = (more: Partial<TopologySpreadConstraint> = {}) => spread({ whenUnsatisfiable: "ScheduleAnyway", ...more });

  it("rate the emptier domain higher", () => {
    // Counts are weighed by the logarithm of the number of domains, and rounded: 3 × ln 4 is 4, 1 × ln 4 is 1.
    expect(scores(spreading(wish()), zones(2, 1, 0, 1), plugin)).toEqual({ a1: 25, a2: 25, b1: 100, b2: 100 });
    expect(scores(spreading(wish({ topologyKey: "kubernetes.io/hostname" })), zones(2, 1, 0, 3), plugin)).toEqual({ a1: 20, a2: 60, b1: 100, b2: 0 });
    expect(scores(spreading(wish()), zones(), plugin)).toEqual({ a1: 100, a2: 100, b1: 100, b2: 100 });
  });

  it("give nothing to nodes without the label", () => {
    expect(scores(spreading(wish()), clusterOf([node("a", "a"), node("x")], { a: webs("a", 1) }), plugin)).toEqual({ a: 100, x: 0 });
  });

  it("come from services and owners for pods that have none, and then also rate nodes without a zone", () => {
    const byService = podTopologySpread({}, () => knownSelector({ matchLabels: web }));
    const cluster = clusterOf([aNode("a", { labels: { "topology.kubernetes.io/zone": "a" } }), aNode("x"), aNode("y")], { a: webs("a", 2), x: webs("x", 1) });
    const rated = scores(aPod("p", { labels: web }), cluster, byService);
    expect(rated?.["y"]).toBe(100);
    expect(rated?.["x"]).toBeGreaterThan(rated?.["a"] ?? 100);
    expect(scores(aPod("p", { labels: web }), cluster, plugin)).toBeUndefined();
  });

  it("may be required by the profile", () => {
    const strict = podTopologySpread({ defaultConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] }, () => knownSelector({ matchLabels: web }));
    expect(verdicts(aPod("p", { labels: web }), zones(1, 0, 0, 0), [strict])).toEqual({ a1: skew, a2: skew, b1: "ok", b2: "ok" });
  });
});

describe("changes", () => {
  const pod = podInfo(spreading(spread()));
  const help = (change: Parameters<NonNullable<typeof plugin.mayHelp>>[1]): boolean | undefined => plugin.mayHelp?.(pod, change);
  const other = (labels: Readonly<Record<string, string>>, namespace = "default") => aPod("o", { labels, namespace });

  it("help when a constraint counts otherwise", () => {
    expect([
      help({ resource: "pod", action: "add", previous: undefined, next: other(web) }),
      help({ resource: "pod", action: "add", previous: undefined, next: other({ app: "db" }) }),
      help({ resource: "pod", action: "add", previous: undefined, next: other(web, "elsewhere") }),
      help({ resource: "pod", action: "delete", previous: other(web), next: undefined }),
      help({ resource: "pod", action: "label", previous: other(web), next: other({ app: "db" }) }),
      help({ resource: "pod", action: "label", previous: other(web), next: other({ ...web, x: "y" }) }),
    ]).toEqual([true, false, false, true, true, false]);
  });

  it("help when a domain comes, goes or grows", () => {
    expect([
      help({ resource: "node", action: "add", previous: undefined, next: node("n", "a") }),
      help({ resource: "node", action: "add", previous: undefined, next: node("n") }),
      help({ resource: "node", action: "delete", previous: node("n", "a"), next: undefined }),
      help({ resource: "node", action: "label", previous: node("n", "a"), next: node("n", "b") }),
      help({ resource: "node", action: "label", previous: node("n", "a"), next: aNode("n", { labels: { zone: "a", x: "y" } }) }),
    ]).toEqual([true, false, true, true, false]);
  });
});

it("says what counting every pod on every node says", () => {
  const place = fc.record({
    zone: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    pods: fc.array(fc.record({ app: fc.constantFrom("web", "db"), namespace: fc.constantFrom("default", "other"), deleted: fc.boolean() }), { maxLength: 3 }),
    disk: fc.constantFrom("ssd", "hdd"),
  });
  const keys = fc.constantFrom("zone", "kubernetes.io/hostname");
  fc.assert(
    fc.property(
      fc.array(place, { minLength: 1, maxLength: 5 }),
      fc.uniqueArray(fc.record({ maxSkew: fc.integer({ min: 1, max: 2 }), topologyKey: keys, minDomains: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 1,
        maxLength: 2,
        selector: ({ topologyKey }) => topologyKey,
      }),
      fc.boolean(),
      (places, wanted, onlySsd) => {
        const nodes = places.map(({ zone, disk }, index) => aNode(`n${index}`, { labels: { disk, ...(zone === undefined ? {} : { zone }) } }));
        const pods = places.map(({ pods: all }, index) => all.map(({ app, namespace, deleted }, which) => aPod(`o${index}-${which}`, { namespace, deleted, labels: { app } })));
        const cluster = clusterOf(nodes, Object.fromEntries(pods.map((all, index) => [`n${index}`, all])));
        const constraints = wanted.map((each) => spread(each));
        const pod = aPod("p", { labels: web, spec: { topologySpreadConstraints: constraints, ...(onlySsd ? { nodeSelector: { disk: "ssd" } } : {}) } });
        const labelOf = (index: number, key: string): string | undefined => nodes[index]?.metadata.labels?.[key];
        const expected = Object.fromEntries(
          nodes.map(({ metadata }, index) => {
            for (const { topologyKey, maxSkew, minDomains = 1 } of constraints) {
              const value = labelOf(index, topologyKey);
              if (value === undefined) return [metadata.name, unlabelled];
              const counts = new Map<string, number>();
              for (const [at, { disk, pods: all }] of places.entries()) {
                if (constraints.some((each) => labelOf(at, each.topologyKey) === undefined) || (onlySsd && disk !== "ssd")) continue;
                const key = labelOf(at, topologyKey) ?? "";
                counts.set(key, (counts.get(key) ?? 0) + all.filter((each) => each.app === "web" && each.namespace === "default" && !each.deleted).length);
              }
              const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
              if ((counts.get(value) ?? 0) + 1 - least > maxSkew) return [metadata.name, skew];
            }
            return [metadata.name, "ok"];
          }),
        );
        expect(verdicts(pod, cluster, [plugin])).toEqual(expected);
      },
    ),
    { numRuns: 400 },
  );
});
