import { describe, expect, it } from "vitest";
import type { SamplePod } from "../sample-objects.ts";
import { at, epochMs, samplePod, template } from "../sample-objects.ts";
import { Paces, slowStartBatches } from "../pods/slow-start.ts";
import { burstReplicas, changesCounts, planReplicas, replicaStatus } from "./plan.ts";

const nowMs = epochMs + 1000 * 1000;
const podsOf = (count: number, sample: SamplePod = {}) => Array.from({ length: count }, (_, index) => samplePod(`p${index}`, sample));

describe("planReplicas", () => {
  it.each([
    { replicas: 3, pods: podsOf(0), create: 3, remove: 0 },
    { replicas: 3, pods: podsOf(3), create: 0, remove: 0 },
    { replicas: 1, pods: podsOf(3), create: 0, remove: 2 },
    { replicas: 0, pods: podsOf(3), create: 0, remove: 3 },
    { replicas: 2, pods: podsOf(2, { deleted: true }), create: 2, remove: 0 },
    { replicas: 2, pods: podsOf(2, { phase: "Failed" }), create: 2, remove: 0 },
    { replicas: 2000, pods: [], create: burstReplicas, remove: 0 },
    { replicas: 0, pods: podsOf(700), create: 0, remove: burstReplicas },
  ])("wants $replicas, has $pods.length: makes $create, removes $remove", ({ replicas, pods, create, remove }) => {
    const plan = planReplicas({ replicas, pods, related: () => pods, nowMs });
    expect({ create: plan.create, remove: plan.remove.length }).toEqual({ create, remove });
  });

  it("takes from the node that carries most pods of the same owner", () => {
    const own = [samplePod("a", { node: "n1", readyAt: 1 }), samplePod("b", { node: "n2", readyAt: 1 })];
    const sibling = samplePod("c", { node: "n2", readyAt: 1 });
    const plan = planReplicas({ replicas: 1, pods: own, related: () => [...own, sibling], nowMs });
    expect(plan.remove.map((pod) => pod.metadata.name)).toEqual(["b"]);
  });
});

describe("changesCounts", () => {
  it.each<[string, SamplePod, SamplePod, boolean]>([
    ["nothing", {}, {}, false],
    ["a node", {}, { node: "n1" }, false],
    ["readiness", {}, { readyAt: 5 }, true],
    ["another time of readiness", { readyAt: 4 }, { readyAt: 5 }, true],
    ["its end", {}, { phase: "Failed" }, true],
    ["deletion", {}, { deleted: true }, true],
    ["labels", {}, { labels: { app: "other" } }, true],
  ])("%s", (_, before, after, expected) => {
    expect(changesCounts(samplePod("a", before), samplePod("a", after))).toBe(expected);
  });
});

describe("slowStartBatches", () => {
  it.each([
    { count: 0, batches: [] },
    { count: 1, batches: [1] },
    { count: 10, batches: [1, 4, 5] },
    { count: 500, batches: [1, 4, 16, 64, 256, 159] },
    { count: 500, first: 256, batches: [256, 244] },
    { count: 500, first: 1024, batches: [500] },
  ])("$count from $first", ({ count, first, batches }) => {
    expect([...slowStartBatches(count, first)]).toEqual(batches);
  });
});

describe("Paces", () => {
  it("goes on where it went well, until something fails or nothing is left", () => {
    const paces = new Paces();
    expect(paces.of("a")).toBe(1);
    paces.reached("a", 256);
    paces.reached("a", 159);
    expect([paces.of("a"), paces.of("b")]).toEqual([1024, 1]);
    paces.forget("a");
    expect(paces.of("a")).toBe(1);
  });

  it("remembers a bounded number of owners", () => {
    const paces = new Paces();
    for (let owner = 0; owner <= 1_000; owner += 1) paces.reached(`o${owner}`, 4);
    expect([paces.of("o0"), paces.of("o1"), paces.of("o1000")]).toEqual([1, 16, 16]);
  });
});

describe("replicaStatus", () => {
  const base = { generation: 4, minReadySeconds: 0, template: template(), status: undefined, failure: undefined, nowMs };

  it("counts active, ready, available and terminating pods", () => {
    const pods = [
      samplePod("old", { readyAt: 900, labels: { app: "web" } }),
      samplePod("fresh", { readyAt: 995, labels: { app: "web" } }),
      samplePod("starting", { labels: { app: "other" } }),
      samplePod("going", { deleted: true, readyAt: 1 }),
      samplePod("done", { phase: "Succeeded" }),
    ];
    expect(replicaStatus({ ...base, minReadySeconds: 10, pods })).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 4,
      conditions: undefined,
    });
  });

  it("remembers the first failure and forgets it when all is well", () => {
    const failed = replicaStatus({ ...base, pods: [], failure: { reason: "FailedCreate", message: "no" } });
    expect(failed.conditions).toEqual([{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "no", lastTransitionTime: at(1000) }]);
    const again = replicaStatus({ ...base, status: failed, pods: [], failure: { reason: "FailedDelete", message: "still no" } });
    expect(again.conditions).toEqual(failed.conditions);
    expect(replicaStatus({ ...base, status: failed, pods: [] }).conditions).toBeUndefined();
  });
});
