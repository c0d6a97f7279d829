import { describe, expect, it } from "vitest";
import type { DaemonSet, DaemonSetSpec } from "../../api/generated/types/apps-v1.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { epochMs, sampleNode, samplePod, type SamplePod, template } from "../sample-objects.ts";
import { daemonPod, eligibility, nodeOf } from "./eligible.ts";
import { type DaemonState, daemonStatus, planDaemons, planUpdate } from "./plan.ts";
import { ReplaceBackoff } from "./replace-backoff.ts";

const nowMs = epochMs + 1000 * 1000;
const daemonSet = (spec: Partial<DaemonSetSpec> = {}): DaemonSet => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent", namespace: "ns", uid: "uid-agent", generation: 2 },
  spec: { selector: { matchLabels: { app: "web" } }, template: template(), updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, ...spec },
});
const pod = (name: string, node: string, sample: SamplePod & { readonly hash?: string } = {}): Pod => {
  const { hash = "new", ...rest } = sample;
  return samplePod(name, { node, readyAt: 1, labels: { app: "web", "controller-revision-hash": hash }, ...rest });
};
const waiting = (name: string, hash: string, node: string): Pod => {
  const { status, ...made } = pod(name, node, { hash });
  return { ...made, status: { ...status, conditions: [] } };
};
const nodes = (...names: readonly string[]): readonly Node[] => names.map((name) => sampleNode(name));
const state = (pods: readonly Pod[], rest: Partial<DaemonState> = {}): DaemonState => ({
  set: daemonSet(),
  nodes: nodes("a", "b", "c"),
  pods,
  hash: "new",
  nowMs,
  mayReplaceFailed: () => true,
  ...rest,
});
const names = (plan: { readonly create: readonly string[]; readonly remove: readonly Pod[] }) => [plan.create, plan.remove.map(({ metadata }) => metadata.name)];

describe("eligibility", () => {
  const tainted = (key: string, effect: string) => sampleNode("a", { spec: { taints: [{ key, effect }] } });
  it.each([
    ["a plain node", sampleNode("a"), daemonSet(), true, true],
    ["a cordoned node", tainted("node.kubernetes.io/unschedulable", "NoSchedule"), daemonSet(), true, true],
    ["an unreachable node", tainted("node.kubernetes.io/unreachable", "NoExecute"), daemonSet(), true, true],
    ["a control plane", tainted("node-role.kubernetes.io/control-plane", "NoSchedule"), daemonSet(), false, true],
    ["a node that throws it out", tainted("dedicated", "NoExecute"), daemonSet(), false, false],
    ["a discouraged node", tainted("dedicated", "PreferNoSchedule"), daemonSet(), true, true],
    ["a node without the label", sampleNode("a"), daemonSet({ template: { spec: { containers: [], nodeSelector: { disk: "ssd" } } } }), false, false],
    ["a node with the label", sampleNode("a", { labels: { disk: "ssd" } }), daemonSet({ template: { spec: { containers: [], nodeSelector: { disk: "ssd" } } } }), true, true],
    [
      "a node without network",
      tainted("node.kubernetes.io/network-unavailable", "NoSchedule"),
      daemonSet({ template: { spec: { containers: [], hostNetwork: true } } }),
      true,
      true,
    ],
  ])("of %s", (_name, node, set, shouldRun, mayStay) => {
    expect(eligibility(set, node)).toEqual({ shouldRun, mayStay });
  });
});

it("pins a pod to its node, and knows it again before it is scheduled", () => {
  const made = daemonPod(daemonSet(), "b", "abc");
  expect(made.metadata.labels).toMatchObject({ "controller-revision-hash": "abc" });
  expect(made.spec.tolerations).toHaveLength(6);
  expect(nodeOf({ ...samplePod("x", { node: "" }), spec: made.spec })).toBe("b");
});

describe("planDaemons", () => {
  it.each([
    ["one for each node", [], [["a", "b", "c"], []]],
    ["none where one is", [pod("1", "a"), pod("2", "b", { hash: "old" })], [["c"], []]],
    ["none while one still ends", [pod("1", "a", { deleted: true }), pod("2", "b"), pod("3", "c")], [[], []]],
    ["not two", [pod("1", "a", { createdAt: 5 }), pod("2", "a", { createdAt: 1 }), pod("3", "b"), pod("4", "c")], [[], ["1"]]],
    ["instead of failed and finished ones", [pod("1", "a", { phase: "Failed" }), pod("2", "b", { phase: "Succeeded" }), pod("3", "c")], [[], ["1", "2"]]],
  ] as const)("%s", (_name, pods, wanted) => {
    expect(names(planDaemons(state(pods)))).toEqual(wanted);
  });

  it("leaves nodes it may not stay on, and pods that wait for a node that is gone", () => {
    const out = sampleNode("a", { spec: { taints: [{ key: "x", effect: "NoExecute" }] } });
    const stray = { ...samplePod("stray", { node: "" }), spec: daemonPod(daemonSet(), "gone", "new").spec };
    expect(names(planDaemons(state([pod("1", "a"), stray], { nodes: [out] })))).toEqual([[], ["1", "stray"]]);
  });

  it("says why it kills a pod", () => {
    expect(planDaemons(state([pod("1", "a", { phase: "Failed" })], { nodes: nodes("a") })).events).toEqual([
      { type: "Warning", reason: "FailedDaemonPod", message: "Found failed daemon pod ns/1 on node a, will try to kill it" },
    ]);
    expect(planDaemons(state([pod("1", "a", { phase: "Failed" })], { nodes: nodes("a"), mayReplaceFailed: () => false })).remove).toEqual([]);
  });
});

describe("planUpdate", () => {
  it.each([
    ["takes one at a time", [pod("1", "a", { hash: "old" }), pod("2", "b", { hash: "old" }), pod("3", "c")], [[], ["1"]]],
    ["waits for the one before", [waiting("1", "new", "a"), pod("2", "b", { hash: "old" }), pod("3", "c")], [[], []]],
    ["waits for a node without any", [pod("2", "b", { hash: "old" }), pod("3", "c")], [[], []]],
    ["takes those that do not serve anyway", [waiting("1", "old", "a"), waiting("2", "old", "b"), pod("3", "c", { hash: "old" })], [[], ["1", "2"]]],
    ["is done", [pod("1", "a"), pod("2", "b"), pod("3", "c")], [[], []]],
  ] as const)("%s", (_name, pods, wanted) => {
    expect(names(planUpdate(state(pods)))).toEqual(wanted);
  });

  const surging = daemonSet({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  it.each([
    ["puts a new one beside", [pod("1", "a", { hash: "old" }), pod("2", "b", { hash: "old" }), pod("3", "c")], [["a"], []]],
    ["takes the old one when the new one serves", [pod("1", "a", { hash: "old" }), pod("1n", "a"), pod("2", "b"), pod("3", "c")], [[], ["1"]]],
    ["waits for the new one", [pod("1", "a", { hash: "old" }), waiting("1n", "new", "a"), pod("2", "b", { hash: "old" }), pod("3", "c")], [[], []]],
  ] as const)("with surge %s", (_name, pods, wanted) => {
    expect(names(planUpdate(state(pods, { set: surging })))).toEqual(wanted);
    expect(names(planDaemons(state(pods, { set: surging })))).toEqual([[], []]);
  });
});

it("counts", () => {
  const out = sampleNode("d", { spec: { taints: [{ key: "x", effect: "NoSchedule" }] } });
  const pods = [pod("1", "a"), waiting("2", "old", "b"), pod("4", "d")];
  expect(daemonStatus(state(pods, { nodes: [...nodes("a", "b", "c"), out] }))).toMatchObject({
    desiredNumberScheduled: 3,
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
    updatedNumberScheduled: 1,
    observedGeneration: 2,
  });
});

it("replaces failed daemons ever more slowly", () => {
  const backoff = new ReplaceBackoff();
  const waits: (number | undefined)[] = [];
  for (let round = 0; round < 3; round += 1) {
    backoff.replaced("ns/agent", "a", 0);
    waits.push(backoff.nextMs("ns/agent", 0));
  }
  expect(waits).toEqual([1000, 2000, 4000]);
  expect([backoff.mayReplace("ns/agent", "a", 3999), backoff.mayReplace("ns/agent", "a", 4000), backoff.mayReplace("ns/agent", "b", 0)]).toEqual([false, true, true]);
});
