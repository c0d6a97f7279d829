import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import { seededRandom } from "../../base/random.ts";
import { chooseNode } from "../choose-node.ts";
import type { ClusterState } from "../cluster/cluster-state.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { interPodAffinity } from "../plugins/inter-pod-affinity.ts";
import { nodeResourcesFit } from "../plugins/node-resources.ts";
import { taintToleration } from "../plugins/node-state.ts";
import { podTopologySpread } from "../plugins/pod-topology-spread.ts";
import { aNode, aPod, clusterOf, cycleOf, namespacesOf } from "../sample-objects.ts";
import { candidateOf } from "./candidate.ts";
import { splitByBudget } from "./disruption-budgets.ts";
import { pickCandidate } from "./pick-candidate.ts";
import { preempt } from "./preempt.ts";

const nowMs = Date.UTC(2026, 0, 2);
const plugins = [taintToleration, nodeResourcesFit(), podTopologySpread({}, () => undefined), interPodAffinity({}, namespacesOf())];
const small = (name: string) => aNode(name, { allocatable: { cpu: "4", memory: "8Gi", pods: "10" } });

interface Wish {
  readonly cpu?: string;
  readonly priority?: number;
  /** Minutes before now. */
  readonly age?: number;
  readonly labels?: Readonly<Record<string, string>>;
}
const pod = (name: string, { cpu = "1", priority = 0, age = 60, labels = {} }: Wish = {}): Pod =>
  aPod(name, { labels, requests: { cpu }, spec: { priority }, status: { startTime: new Date(nowMs - age * 60_000).toISOString() } });

const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: app, namespace: "default" },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed },
});

/** `n1: a, b`, or why not. */
const outcome = (preemptor: Pod, cluster: ClusterState, budgets: readonly PodDisruptionBudget[] = []): string => {
  const cycle = cycleOf(preemptor, cluster, plugins);
  const choice = chooseNode(cycle, { startIndex: 0 }, seededRandom(1));
  if (choice.node !== undefined) return `fits ${choice.node.name}`;
  const result = preempt(cycle, choice.diagnosis, { budgets, nowMs }, seededRandom(1));
  if (result.candidate === undefined) return result.message;
  return `${result.candidate.node}: ${result.candidate.victims.map(({ pod: victim }) => victim.metadata.name).join(", ")}`;
};

describe("the victims on a node", () => {
  it("are the least important that are enough", () => {
    const cluster = clusterOf([small("n1")], { n1: [pod("a", { priority: 1 }), pod("b", { priority: 2 }), pod("c", { priority: 3 }), pod("d", { priority: 4 })] });
    expect(outcome(pod("p", { cpu: "2", priority: 10 }), cluster)).toBe("n1: b, a");
    expect(outcome(pod("p", { cpu: "2", priority: 3 }), cluster)).toBe("n1: b, a");
    expect(outcome(pod("p", { cpu: "3", priority: 3 }), cluster)).toBe("preemption: 0/1 nodes are available: 1 Insufficient cpu.");
  });

  it("are the younger of those that are equally important", () => {
    const cluster = clusterOf([small("n1")], { n1: [pod("old", { cpu: "2", age: 100 }), pod("young", { cpu: "2", age: 1 })] });
    expect(outcome(pod("p", { cpu: "2", priority: 10 }), cluster)).toBe("n1: young");
  });

  it("leave pods alone whose end would not help", () => {
    const cluster = clusterOf([small("n1")], { n1: [pod("big", { cpu: "3", priority: 5 }), pod("tiny", { cpu: "100m" })] });
    expect(outcome(pod("p", { cpu: "3", priority: 10 }), cluster)).toBe("n1: big");
  });

  it("are those that others' anti-affinity and spreading ask for", () => {
    const shy = {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } }] },
    };
    const hermit: Pod = { ...pod("hermit"), spec: { ...pod("hermit").spec, affinity: shy } };
    const cluster = clusterOf([small("n1")], { n1: [hermit, pod("other")] });
    expect(outcome(pod("p", { priority: 10, labels: { app: "web" } }), cluster)).toBe("n1: hermit");
  });
});

describe("budgets", () => {
  it("keep pods while others can go", () => {
    const cluster = clusterOf([small("n1")], { n1: [pod("guarded", { cpu: "2", priority: 0, labels: { app: "g" } }), pod("free", { cpu: "2", priority: 5 })] });
    expect(outcome(pod("p", { cpu: "2", priority: 10 }), cluster)).toBe("n1: guarded");
    expect(outcome(pod("p", { cpu: "2", priority: 10 }), cluster, [budget("g", 0)])).toBe("n1: free");
    expect(outcome(pod("p", { cpu: "4", priority: 10 }), cluster, [budget("g", 0)])).toBe("n1: free, guarded");
  });

  it("are used up one pod after another", () => {
    const names = (pods: readonly ReturnType<typeof podInfo>[]): string[] => pods.map(({ pod: each }) => each.metadata.name ?? "");
    const pods = ["a", "b", "c"].map((name) => podInfo(pod(name, { labels: { app: "g" } })));
    const split = (...budgets: readonly PodDisruptionBudget[]): string[][] => Object.values(splitByBudget(pods, budgets)).map(names);
    expect(split(budget("g", 1))).toEqual([["b", "c"], ["a"]]);
    expect(split(budget("other", 0))).toEqual([[], ["a", "b", "c"]]);
    expect(split({ ...budget("g", 0), spec: { selector: {} } })).toEqual([[], ["a", "b", "c"]]);
    // What the server let go already costs nothing more.
    expect(split({ ...budget("g", 0), status: { disruptionsAllowed: 0, disruptedPods: { b: "2026-01-01T00:00:00Z" } } })).toEqual([["a", "c"], ["b"]]);
    expect(split({ ...budget("g", 0), metadata: { name: "g", namespace: "elsewhere" } })).toEqual([[], ["a", "b", "c"]]);
  });
});

describe("the node", () => {
  const candidate = (node: string, violations: number, ...victims: readonly Pod[]) =>
    candidateOf(
      node,
      victims.map((each) => podInfo(each)),
      violations,
    );
  it.each([
    ["with the fewest broken budgets", [candidate("a", 1, pod("1")), candidate("b", 0, pod("2", { priority: 9 }))], "b"],
    ["whose most important victim is the least so", [candidate("a", 0, pod("1", { priority: 5 })), candidate("b", 0, pod("2", { priority: 4 }), pod("3", { priority: 4 }))], "b"],
    [
      "with the smallest sum of priorities",
      [candidate("a", 0, pod("1", { priority: 4 }), pod("2", { priority: 3 })), candidate("b", 0, pod("3", { priority: 4 }), pod("4", { priority: 2 }))],
      "b",
    ],
    ["with fewer victims, however unimportant", [candidate("a", 0, pod("1", { priority: -9 }), pod("2", { priority: -10 })), candidate("b", 0, pod("3", { priority: -9 }))], "b"],
    ["whose victims began last", [candidate("a", 0, pod("1", { age: 10 })), candidate("b", 0, pod("2", { age: 5 }))], "b"],
    ["that comes first", [candidate("a", 0, pod("1")), candidate("b", 0, pod("2"))], "a"],
  ])("is the one %s", (_what, candidates, expected) => {
    expect(pickCandidate(candidates, nowMs)?.node).toBe(expected);
  });
});

describe("without a node", () => {
  it("the reasons are counted", () => {
    const cluster = clusterOf([small("n1"), small("n2"), aNode("t", { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } })], {
      n1: [pod("equal", { cpu: "4", priority: 10 })],
      n2: [pod("low", { cpu: "1", priority: 1 }), pod("equal2", { cpu: "3", priority: 10 })],
    });
    expect(outcome(pod("p", { cpu: "2", priority: 10 }), cluster)).toBe(
      "preemption: 0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
    );
  });

  it("a pod that never preempts says so", () => {
    const cluster = clusterOf([small("n1")], { n1: [pod("low", { cpu: "4" })] });
    const meek: Pod = { ...pod("p", { priority: 10 }), spec: { ...pod("p", { priority: 10 }).spec, preemptionPolicy: "Never" } };
    expect(outcome(meek, cluster)).toBe("preemption: not eligible due to preemptionPolicy=Never.");
  });

  it("a pod waits for those it ended already", () => {
    const ending: Pod = {
      ...pod("low", { cpu: "4" }),
      metadata: { ...pod("low").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
      status: { conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }] },
    };
    const cluster = clusterOf([small("n1"), small("n2")], { n1: [ending], n2: [pod("low2", { cpu: "4" })] });
    const waiting: Pod = { ...pod("p", { priority: 10 }), status: { nominatedNodeName: "n1" } };
    expect(outcome(waiting, cluster)).toBe("preemption: not eligible due to a terminating pod on the nominated node.");
    // Also before the API shows where that is.
    const unseen = pod("q", { priority: 10 });
    expect(outcome(unseen, cluster)).toBe("n1: low");
    cluster.nominations.set(podInfo(unseen), "n1");
    expect(outcome(unseen, cluster)).toBe("preemption: not eligible due to a terminating pod on the nominated node.");
    cluster.nominations.delete("default/q");
    // One that nobody can go to any more is given up.
    cluster.setNode(aNode("n1", { spec: { taints: [{ key: "a", effect: "NoSchedule" }] }, allocatable: { cpu: "4", memory: "8Gi", pods: "10" } }));
    expect(outcome(waiting, cluster)).toBe("n2: low2");
  });
});
