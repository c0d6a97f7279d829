import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { podInfo } from "../cluster/pod-info.ts";
import { aNode, aPod, clusterOf, scores, verdicts } from "../sample-objects.ts";
import { balancedAllocation, nodeResourcesFit } from "./node-resources.ts";

const fit = nodeResourcesFit();
const asking = (requests: Readonly<Record<string, string>>, name = "p") => aPod(name, { requests });
const having = (allocatable: Readonly<Record<string, string>>) => ({ allocatable: { pods: "10", ...allocatable } });

describe("NodeResourcesFit", () => {
  it("names all that is lacking, and whether ending pods could help", () => {
    const cluster = clusterOf([aNode("n", having({ cpu: "2", memory: "1Gi", "example.com/gpu": "1" }))], { n: [asking({ cpu: "1", "example.com/gpu": "1" }, "other")] });
    expect(verdicts(asking({ cpu: "1500m", memory: "2Gi" }), cluster, [fit])).toEqual({ n: "Insufficient cpu, Insufficient memory!" });
    expect(verdicts(asking({ "example.com/gpu": "1" }), cluster, [fit])).toEqual({ n: "Insufficient example.com/gpu" });
    expect(verdicts(asking({ "example.com/fpga": "1" }), cluster, [fit])).toEqual({ n: "Insufficient example.com/fpga!" });
    expect(verdicts(asking({ "ephemeral-storage": "1" }), cluster, [fit])).toEqual({ n: "Insufficient ephemeral-storage!" });
    expect(verdicts(asking({ cpu: "1" }), cluster, [fit])).toEqual({ n: "ok" });
  });

  it("counts pods", () => {
    const cluster = clusterOf([aNode("n", { allocatable: { cpu: "2", memory: "1Gi", pods: "1" } })], { n: [aPod("other")] });
    expect(verdicts(aPod("p"), cluster, [fit])).toEqual({ n: "Too many pods" });
  });

  it("lets a pod that asks for nothing onto an overcommitted node", () => {
    const cluster = clusterOf([aNode("n", having({ cpu: "1", memory: "1Gi" }))], { n: [asking({ cpu: "4" }, "other")] });
    expect(verdicts(asking({ cpu: "0" }), cluster, [fit])).toEqual({ n: "ok" });
  });

  it("tells how far off it is", () => {
    const cluster = clusterOf([aNode("n", having({ cpu: "2", memory: "1Gi" }))], { n: [asking({ cpu: "1500m" }, "other")] });
    const [node] = cluster.nodes;
    expect(node === undefined ? [] : fit.filter?.(podInfo(asking({ cpu: "1" })), node, undefined)).toEqual([
      { reason: "Insufficient cpu", unresolvable: false, lack: { resource: "cpu", requested: 1000, free: 500 } },
    ]);
  });

  // Upstream's documented cases: 4 cpu and 10000 bytes each.
  it.each([
    ["nothing asked of empty nodes", { cpu: "0", memory: "0" }, [], { n1: 100, n2: 100 }],
    ["something asked of different nodes", { cpu: "3", memory: "5000" }, [], { n1: 37, n2: 50 }],
  ] as const)("rates the emptier node higher: %s", (_what, requests, pods, expected) => {
    const second = _what.startsWith("nothing") ? having({ cpu: "4", memory: "10000" }) : having({ cpu: "6", memory: "10000" });
    const cluster = clusterOf([aNode("n1", having({ cpu: "4", memory: "10000" })), aNode("n2", second)], { n1: pods });
    expect(scores(asking(requests), cluster, fit)).toEqual(expected);
  });

  it("rates the fuller node higher where pods are to be packed", () => {
    const cluster = clusterOf([aNode("n1", having({ cpu: "4", memory: "10000" })), aNode("n2", having({ cpu: "4", memory: "10000" }))], {
      n2: [asking({ cpu: "2", memory: "5000" }, "other")],
    });
    expect(scores(asking({ cpu: "1", memory: "2500" }), cluster, nodeResourcesFit({ scoringStrategy: { type: "MostAllocated" } }))).toEqual({ n1: 25, n2: 75 });
  });

  it("says what adding up says", () => {
    const millis = fc.integer({ min: 0, max: 3000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(millis, millis), { maxLength: 6 }), millis, millis, fc.nat(6), (others, cpu, memory, allowed) => {
        const cluster = clusterOf([aNode("n", { allocatable: { cpu: "4", memory: "4000", pods: String(allowed) } })], {
          n: others.map(([c, m], index) => asking({ cpu: `${c}m`, memory: String(m) }, `o${index}`)),
        });
        const free = (index: 0 | 1): number => 4000 - others.reduce((sum, each) => sum + each[index], 0);
        const expected = [
          ...(others.length + 1 > allowed ? ["Too many pods"] : []),
          ...(cpu > 0 && cpu > free(0) ? ["Insufficient cpu"] : []),
          ...(memory > 0 && memory > free(1) ? ["Insufficient memory"] : []),
        ].join(", ");
        expect(verdicts(asking({ cpu: `${cpu}m`, memory: String(memory) }), cluster, [fit])["n"]).toBe(expected === "" ? "ok" : expected);
      }),
    );
  });

  const help = (pod: ReturnType<typeof aPod>, change: Parameters<NonNullable<typeof fit.mayHelp>>[1]): boolean | undefined => fit.mayHelp?.(podInfo(pod), change);
  it("is helped by nodes that have room and did not, by ended pods, and by pods that give back what it wants", () => {
    const node = (cpu: string, memory = "1Gi") => aNode("n", having({ cpu, memory }));
    const wants = asking({ cpu: "2" });
    expect([
      help(wants, { resource: "node", action: "add", previous: undefined, next: node("1") }),
      help(wants, { resource: "node", action: "add", previous: undefined, next: node("2") }),
      help(wants, { resource: "node", action: "allocatable", previous: node("1"), next: node("2") }),
      help(wants, { resource: "node", action: "allocatable", previous: node("2", "1Gi"), next: node("2", "2Gi") }),
      help(wants, { resource: "pod", action: "delete", previous: aPod("gone"), next: undefined }),
      help(wants, { resource: "pod", action: "scale-down", previous: asking({ cpu: "2" }), next: asking({ cpu: "1" }) }),
      help(wants, { resource: "pod", action: "scale-down", previous: asking({ memory: "2" }), next: asking({ memory: "1" }) }),
      help(wants, { resource: "target", action: "scale-down", previous: asking({ cpu: "3" }), next: wants }),
    ]).toEqual([false, true, true, false, true, true, false, true]);
  });
});

describe("NodeResourcesBalancedAllocation", () => {
  const nodes = [aNode("n1", having({ cpu: "4", memory: "4000" })), aNode("n2", having({ cpu: "4", memory: "4000" }))];

  it("likes a node that becomes more even, and dislikes one that becomes less so", () => {
    // n1 is used for its processor alone, n2 not at all.
    const cluster = clusterOf(nodes, { n1: [asking({ cpu: "2" }, "other")] });
    expect(scores(asking({ memory: "2000" }), cluster, balancedAllocation())).toEqual({ n1: 87, n2: 62 });
    expect(scores(asking({ cpu: "1", memory: "1000" }), cluster, balancedAllocation())).toEqual({ n1: 75, n2: 75 });
  });

  it("stays between 50 and 100", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.nat(5000), fc.integer({ min: 1, max: 5000 }), (usedCpu, usedMemory, cpu, memory) => {
        const cluster = clusterOf(nodes, { n1: [asking({ cpu: `${usedCpu}m`, memory: String(usedMemory) }, "other")] });
        const score = scores(asking({ cpu: `${cpu}m`, memory: String(memory) }), cluster, balancedAllocation())?.["n1"] ?? 0;
        expect(score).toBeGreaterThanOrEqual(50);
        expect(score).toBeLessThanOrEqual(100);
      }),
    );
  });

  it("leaves pods alone that ask for nothing", () => {
    expect(scores(aPod("p"), clusterOf(nodes), balancedAllocation())).toBeUndefined();
  });
});
