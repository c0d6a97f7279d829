import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Affinity, Pod, PodAffinityTerm } from "../../api/generated/types/core-v1.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, cycleOf, namespacesOf, scores, verdicts } from "../sample-objects.ts";
import { interPodAffinity } from "./inter-pod-affinity.ts";

const far = "node(s) didn't match pod affinity rules!";
const near = "node(s) didn't match pod anti-affinity rules";
const unwanted = "node(s) didn't satisfy existing pods anti-affinity rules";

const namespaces = namespacesOf({ default: { team: "a" }, other: { team: "b" }, third: { team: "b" } });
const plugin = interPodAffinity({}, namespaces);
const term = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({ topologyKey: "zone", labelSelector: { matchLabels: { app } }, ...more });
const needs = (...terms: readonly PodAffinityTerm[]): Affinity => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const avoids = (...terms: readonly PodAffinityTerm[]): Affinity => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const pod = (name: string, app: string, affinity?: Affinity, more: Parameters<typeof aPod>[1] = {}): Pod =>
  aPod(name, { labels: { app }, ...more, spec: affinity === undefined ? {} : { affinity } });
const nodes = [aNode("a1", { labels: { zone: "a" } }), aNode("a2", { labels: { zone: "a" } }), aNode("b1", { labels: { zone: "b" } }), aNode("x")];
const on = (pods: Readonly<Record<string, readonly Pod[]>>) => clusterOf(nodes, pods);

describe("required affinity", () => {
  it("wants a pod that matches in the topology", () => {
    const cluster = on({ a1: [pod("db", "db")] });
    expect(verdicts(pod("p", "web", needs(term("db"))), cluster, [plugin])).toEqual({ a1: "ok", a2: "ok", b1: far, x: far });
    expect(verdicts(pod("p", "web", needs(term("db", { topologyKey: "kubernetes.io/hostname" }))), cluster, [plugin])).toEqual({ a1: "ok", a2: far, b1: far, x: far });
  });

  it("wants one pod that matches all terms", () => {
    const cluster = on({ a1: [pod("db", "db")], a2: [aPod("cache", { labels: { tier: "back" } })] });
    const both = needs(term("db"), { topologyKey: "zone", labelSelector: { matchLabels: { tier: "back" } } });
    expect(verdicts(pod("p", "web", both), cluster, [plugin])).toMatchObject({ a1: far });
    cluster.addPod(podInfo(aPod("all", { labels: { app: "db", tier: "back" } })), "b1");
    expect(verdicts(pod("p", "web", both), cluster, [plugin])).toMatchObject({ a1: far, b1: "ok" });
  });

  it("lets the first pod of a group that wants its own kind go anywhere with the label", () => {
    expect(verdicts(pod("p", "web", needs(term("web"))), on({}), [plugin])).toEqual({ a1: "ok", a2: "ok", b1: "ok", x: far });
    expect(verdicts(pod("p", "web", needs(term("db"))), on({}), [plugin])).toEqual({ a1: far, a2: far, b1: far, x: far });
    expect(verdicts(pod("p", "web", needs(term("web"))), on({ b1: [pod("w", "web")] }), [plugin])).toEqual({ a1: far, a2: far, b1: "ok", x: far });
  });

  it("means the pod's own namespace unless it says otherwise", () => {
    const cluster = on({ a1: [pod("db", "db", undefined, { namespace: "other" })] });
    const judged = (more: Partial<PodAffinityTerm>) => verdicts(pod("p", "web", needs(term("db", more))), cluster, [plugin])["a1"];
    expect([
      judged({}),
      judged({ namespaces: ["other"] }),
      judged({ namespaces: ["third"] }),
      judged({ namespaceSelector: { matchLabels: { team: "b" } } }),
      judged({ namespaceSelector: { matchLabels: { team: "a" } } }),
      judged({ namespaceSelector: {} }),
      judged({ namespaces: ["third"], namespaceSelector: { matchLabels: { team: "none" } } }),
    ]).toEqual([far, "ok", far, "ok", far, "ok", far]);
  });

  it("goes by the pod's own labels where matchLabelKeys and mismatchLabelKeys name them", () => {
    const cluster = on({ a1: [aPod("old", { labels: { app: "web", version: "1" } })] });
    const wants = (version: string, more: Partial<PodAffinityTerm>) => aPod("p", { labels: { app: "web", version }, spec: { affinity: needs(term("web", more)) } });
    const judged = (version: string, more: Partial<PodAffinityTerm>) => verdicts(wants(version, more), cluster, [plugin])["a1"];
    expect([judged("1", { matchLabelKeys: ["version"] }), judged("1", { mismatchLabelKeys: ["version"] }), judged("2", { mismatchLabelKeys: ["version"] })]).toEqual([
      "ok",
      far,
      "ok",
    ]);
  });
});

describe("required anti-affinity", () => {
  it("keeps away from pods that match, and from topologies where they are", () => {
    expect(verdicts(pod("p", "web", avoids(term("db"))), on({ a1: [pod("db", "db")] }), [plugin])).toEqual({ a1: near, a2: near, b1: "ok", x: "ok" });
  });

  it("of pods that are there already holds for newcomers", () => {
    const cluster = on({ a1: [pod("hermit", "db", avoids(term("web")))] });
    expect(verdicts(pod("p", "web"), cluster, [plugin])).toEqual({ a1: unwanted, a2: unwanted, b1: "ok", x: "ok" });
    expect(verdicts(pod("p", "api"), cluster, [plugin])).toEqual({ a1: "ok", a2: "ok", b1: "ok", x: "ok" });
  });

  it("of pods that are there already also reaches into namespaces by their labels", () => {
    const cluster = on({ a1: [pod("hermit", "db", avoids(term("web", { namespaceSelector: { matchLabels: { team: "b" } } })))] });
    const judged = (namespace: string) => verdicts(pod("p", "web", undefined, { namespace }), cluster, [plugin])["a1"];
    expect([judged("default"), judged("other")]).toEqual(["ok", unwanted]);
  });

  it("is tried with pods taken off and put on", () => {
    const cluster = on({ a1: [pod("hermit", "db", avoids(term("web")))], b1: [pod("near", "api")] });
    const cycle = cycleOf(pod("p", "web", avoids(term("api"))), cluster, [plugin]);
    const [a1, b1] = ["a1", "b1"].map((name) => cluster.node(name));
    const hermit = cluster.pod("default/hermit");
    const api = cluster.pod("default/near");
    if (a1 === undefined || b1 === undefined || hermit === undefined || api === undefined) throw new Error("all there");
    const first = cycle.try(a1);
    first.remove(hermit);
    expect(first.judge()).toBeUndefined();
    first.add(hermit);
    expect(first.judge()?.rejections[0]?.reason).toBe(unwanted);
    const second = cycle.try(b1);
    second.remove(api);
    expect([second.judge(), cycle.judge(b1)?.rejections[0]?.reason]).toEqual([undefined, near]);
  });
});

describe("preferences", () => {
  const wish = (weight: number, app: string, more: Partial<PodAffinityTerm> = {}) => ({ weight, podAffinityTerm: term(app, more) });

  it("rate by the weights of the pods that match, for and against", () => {
    const cluster = on({ a1: [pod("db", "db")], b1: [pod("db2", "db"), pod("noise", "noise")] });
    const p = pod("p", "web", {
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [wish(10, "db")] },
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [wish(30, "noise")] },
    });
    // a: 10, b: 10 - 30, x: 0.
    expect(scores(p, cluster, plugin)).toEqual({ a1: 100, a2: 100, b1: 0, x: 66 });
  });

  it("of pods that are there already count too, their required affinity a little", () => {
    const cluster = on({
      a1: [pod("fan", "fan", { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [wish(4, "web")] } })],
      b1: [pod("stuck", "stuck", needs(term("web")))],
    });
    expect(scores(pod("p", "web"), cluster, plugin)).toEqual({ a1: 100, a2: 100, b1: 25, x: 0 });
    expect(scores(pod("p", "web"), cluster, interPodAffinity({ hardPodAffinityWeight: 0 }, namespaces))).toEqual({ a1: 100, a2: 100, b1: 0, x: 0 });
    expect(scores(pod("p", "api"), cluster, plugin)).toBeUndefined();
  });
});

describe("changes", () => {
  const help = (waiting: Pod, change: Parameters<NonNullable<typeof plugin.mayHelp>>[1]): boolean | undefined => plugin.mayHelp?.(podInfo(waiting), change);
  const come = (next: Pod) => ({ resource: "pod", action: "add", previous: undefined, next }) as const;
  const go = (previous: Pod) => ({ resource: "pod", action: "delete", previous, next: undefined }) as const;

  it("help when somebody wanted comes, or somebody unwanted goes", () => {
    const wants = pod("p", "web", needs(term("db")));
    const shuns = pod("p", "web", avoids(term("db")));
    expect([help(wants, come(pod("o", "db"))), help(wants, come(pod("o", "api"))), help(wants, go(pod("o", "db")))]).toEqual([true, false, false]);
    expect([help(shuns, go(pod("o", "db"))), help(shuns, go(pod("o", "api"))), help(shuns, come(pod("o", "db")))]).toEqual([true, false, false]);
    expect([help(pod("p", "web"), go(pod("o", "db", avoids(term("web"))))), help(pod("p", "web"), go(pod("o", "db")))]).toEqual([true, false]);
    const label = (before: string, after: string) => ({ resource: "pod", action: "label", previous: pod("o", before), next: pod("o", after) }) as const;
    expect([help(wants, label("api", "db")), help(wants, label("db", "api")), help(shuns, label("db", "api")), help(shuns, label("api", "db"))]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it("help when a node has the topology that matters", () => {
    const wants = pod("p", "web", needs(term("db")));
    const add = (labels: Readonly<Record<string, string>>) => ({ resource: "node", action: "add", previous: undefined, next: aNode("n", { labels }) }) as const;
    const move = (before: string, after: string) =>
      ({ resource: "node", action: "label", previous: aNode("n", { labels: { zone: before } }), next: aNode("n", { labels: { zone: after, other: "x" } }) }) as const;
    expect([
      help(wants, add({ zone: "a" })),
      help(wants, add({})),
      help(wants, move("a", "b")),
      help(wants, { ...add({}), action: "delete", previous: aNode("n"), next: undefined }),
    ]).toEqual([true, false, true, true]);
  });
});

it("says what looking at every pod on every node says", () => {
  const anyTerm = fc.record({
    topologyKey: fc.constantFrom("zone", "kubernetes.io/hostname"),
    labelSelector: fc.constantFrom({ matchLabels: { app: "web" } }, { matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }] }, {}),
    reach: fc.constantFrom<Partial<PodAffinityTerm>>({}, { namespaces: ["other"] }, { namespaceSelector: { matchLabels: { team: "b" } } }, { namespaceSelector: {} }),
  });
  const anyPod = fc.record({
    app: fc.constantFrom("web", "db"),
    namespace: fc.constantFrom("default", "other"),
    near: fc.array(anyTerm, { maxLength: 2 }),
    far: fc.array(anyTerm, { maxLength: 1 }),
  });
  type AnyPod = typeof anyPod extends fc.Arbitrary<infer T> ? T : never;
  type AnyTerm = AnyPod["near"][number];
  const teams: Readonly<Record<string, string>> = { default: "a", other: "b" };
  const means = ({ labelSelector, reach }: AnyTerm, owner: AnyPod, other: AnyPod): boolean => {
    const isThere =
      reach.namespaces !== undefined
        ? reach.namespaces.includes(other.namespace)
        : reach.namespaceSelector === undefined
          ? other.namespace === owner.namespace
          : Object.values(reach.namespaceSelector.matchLabels ?? {}).every((team) => teams[other.namespace] === team);
    const selected = "matchLabels" in labelSelector ? other.app === "web" : true;
    return isThere && selected;
  };
  fc.assert(
    fc.property(
      anyPod,
      fc.array(fc.record({ zone: fc.option(fc.constantFrom("a", "b"), { nil: undefined }), pods: fc.array(anyPod, { maxLength: 2 }) }), { minLength: 1, maxLength: 4 }),
      (waiting, places) => {
        const made = ({ app, namespace, near: nearTerms, far: farTerms }: AnyPod, name: string): Pod => {
          const list = (terms: readonly AnyTerm[]): PodAffinityTerm[] => terms.map(({ topologyKey, labelSelector, reach }) => ({ topologyKey, labelSelector, ...reach }));
          return aPod(name, {
            namespace,
            labels: { app },
            spec: {
              affinity: {
                podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: list(nearTerms) },
                podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: list(farTerms) },
              },
            },
          });
        };
        const all = places.map(({ zone }, index) => aNode(`n${index}`, { labels: zone === undefined ? {} : { zone } }));
        const cluster = clusterOf(all, Object.fromEntries(places.map(({ pods }, index) => [`n${index}`, pods.map((each, which) => made(each, `o${index}-${which}`))])));
        const label = (index: number, key: string): string | undefined => all[index]?.metadata.labels?.[key];
        const together = (a: number, b: number, key: string): boolean => label(a, key) !== undefined && label(a, key) === label(b, key);
        const others = places.flatMap(({ pods }, index) => pods.map((each) => ({ each, index })));
        const isWanted = (other: AnyPod): boolean => waiting.near.every((each) => means(each, waiting, other));
        const isFirst = !others.some(({ each, index }) => isWanted(each) && waiting.near.some(({ topologyKey }) => label(index, topologyKey) !== undefined)) && isWanted(waiting);
        const expected = Object.fromEntries(
          places.map((_, at) => {
            const lacksLabel = waiting.near.some(({ topologyKey }) => label(at, topologyKey) === undefined);
            const isNear = waiting.near.every(({ topologyKey }) => others.some(({ each, index }) => isWanted(each) && together(at, index, topologyKey)));
            if (lacksLabel || (!isNear && !isFirst)) return [`n${at}`, far];
            if (waiting.far.some((each) => others.some(({ each: other, index }) => means(each, waiting, other) && together(at, index, each.topologyKey)))) return [`n${at}`, near];
            if (others.some(({ each, index }) => each.far.some((theirs) => means(theirs, each, waiting) && together(at, index, theirs.topologyKey)))) return [`n${at}`, unwanted];
            return [`n${at}`, "ok"];
          }),
        );
        expect(verdicts(made(waiting, "p"), cluster, [plugin])).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});
