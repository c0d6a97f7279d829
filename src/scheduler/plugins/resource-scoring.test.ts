import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aNode, aPod, clusterOf, scores, verdicts } from "../sample-objects.ts";
import { balancedAllocation, type FitOptions, nodeResourcesFit } from "./node-resources.ts";
import type { ScoringStrategy, ShapePoint } from "./resource-scoring.ts";

const having = (allocatable: Readonly<Record<string, string>>) => ({ allocatable: { pods: "100", ...allocatable } });
const asking = (requests: Readonly<Record<string, string>>, name = "p") => aPod(name, { requests });
const rise: readonly ShapePoint[] = [
  { utilization: 0, score: 0 },
  { utilization: 100, score: 10 },
];
const fit = (scoringStrategy: ScoringStrategy) => nodeResourcesFit({ scoringStrategy });

describe("scores by requested to capacity", () => {
  // Upstream's documented cases: 4000 m and 10000 bytes each.
  const resources = [
    { name: "memory", weight: 1 },
    { name: "cpu", weight: 1 },
  ];
  it.each<[string, Record<string, string>, Record<string, string>, Record<string, string>, Record<string, string>, Record<string, number>]>([
    ["nothing asked, nothing used", { cpu: "0", memory: "0" }, { cpu: "4", memory: "10000" }, { cpu: "0", memory: "0" }, { cpu: "0", memory: "0" }, { n1: 0, n2: 0 }],
    ["something asked", { cpu: "3", memory: "5000" }, { cpu: "6", memory: "10000" }, { cpu: "0", memory: "0" }, { cpu: "0", memory: "0" }, { n1: 63, n2: 50 }],
    ["nothing asked, something used", { cpu: "0", memory: "0" }, { cpu: "4", memory: "10000" }, { cpu: "3", memory: "5000" }, { cpu: "3", memory: "5000" }, { n1: 63, n2: 63 }],
  ])("%s", (_what, asked, second, usedFirst, usedSecond, expected) => {
    const cluster = clusterOf([aNode("n1", having({ cpu: "4", memory: "10000" })), aNode("n2", having(second))], { n1: [asking(usedFirst, "a")], n2: [asking(usedSecond, "b")] });
    expect(scores(asking(asked), cluster, fit({ type: "RequestedToCapacityRatio", resources, shape: rise }))).toEqual(expected);
  });

  it("packs by an extended resource alone", () => {
    const cluster = clusterOf([aNode("n1", having({ cpu: "4", memory: "10000", "intel.com/foo": "8" })), aNode("n2", having({ cpu: "4", memory: "10000", "intel.com/foo": "4" }))]);
    const pack = fit({ type: "RequestedToCapacityRatio", resources: [{ name: "intel.com/foo", weight: 1 }], shape: rise });
    expect(scores(asking({ cpu: "1", memory: "1", "intel.com/foo": "2" }), cluster, pack)).toEqual({ n1: 25, n2: 50 });
    expect(scores(asking({ cpu: "1", memory: "1" }), cluster, pack)).toEqual({ n1: 0, n2: 0 });
  });
});

it("weighs resources", () => {
  const cluster = clusterOf([aNode("n", having({ cpu: "4", memory: "1000" }))]);
  const resources = [
    { name: "cpu", weight: 3 },
    { name: "memory", weight: 1 },
  ];
  expect(scores(asking({ cpu: "1", memory: "900" }), cluster, fit({ type: "LeastAllocated", resources }))).toEqual({ n: Math.floor((75 * 3 + 10) / 4) });
  expect(scores(asking({ cpu: "1", memory: "900" }), cluster, fit({ type: "MostAllocated", resources }))).toEqual({ n: Math.floor((25 * 3 + 90) / 4) });
});

it("says what reckoning by hand says", () => {
  const amount = fc.integer({ min: 1, max: 4000 });
  const shape = fc
    .uniqueArray(fc.record({ utilization: fc.nat(100), score: fc.nat(10) }), { minLength: 1, maxLength: 5, selector: ({ utilization }) => utilization })
    .map((points) => points.sort((a, b) => a.utilization - b.utilization));
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      amount,
      fc.integer({ min: 1, max: 100 }),
      shape,
      fc.constantFrom("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"),
      (usedCpu, usedMemory, cpu, memory, weight, points, type) => {
        const cluster = clusterOf([aNode("n", having({ cpu: "4", memory: "4000" }))], { n: [asking({ cpu: `${usedCpu}m`, memory: String(usedMemory) }, "o")] });
        const resources = [
          { name: "cpu", weight },
          { name: "memory", weight: 1 },
        ];
        const strategy = type === "RequestedToCapacityRatio" ? { type, resources, shape: points } : { type, resources };
        const uses = [
          [usedCpu + cpu, weight],
          [usedMemory + memory, 1],
        ] as const;
        const one = (requested: number): number => {
          if (type === "LeastAllocated") return requested > 4000 ? 0 : Math.floor(((4000 - requested) * 100) / 4000);
          if (type === "MostAllocated") return Math.floor((Math.min(4000, requested) * 100) / 4000);
          const used = requested > 4000 ? 100 : Math.trunc((requested * 100) / 4000);
          const after = points.findIndex(({ utilization }) => used <= utilization);
          if (after === 0) return (points[0]?.score ?? 0) * 10;
          if (after < 0) return (points.at(-1)?.score ?? 0) * 10;
          const [a, b] = [points[after - 1] ?? { utilization: 0, score: 0 }, points[after] ?? { utilization: 0, score: 0 }];
          return a.score * 10 + Math.trunc(((b.score - a.score) * 10 * (used - a.utilization)) / (b.utilization - a.utilization));
        };
        const counted = uses.map(([requested, by]) => [one(requested), by] as const).filter(([score]) => type !== "RequestedToCapacityRatio" || score > 0);
        const weights = counted.reduce((sum, [, by]) => sum + by, 0);
        const mean = weights === 0 ? 0 : counted.reduce((sum, [score, by]) => sum + score * by, 0) / weights;
        expect(scores(asking({ cpu: `${cpu}m`, memory: String(memory) }), cluster, fit(strategy))).toEqual({
          n: type === "RequestedToCapacityRatio" ? Math.round(mean) : Math.floor(mean),
        });
      },
    ),
    { numRuns: 300 },
  );
});

it("the usual way is the general way with nothing said", () => {
  const amount = fc.nat(5000);
  fc.assert(
    fc.property(amount, amount, amount, amount, fc.nat(1), (usedCpu, usedMemory, cpu, memory, processors) => {
      const cluster = clusterOf([aNode("n", having({ cpu: String(processors * 4), memory: "4000" }))], { n: [asking({ cpu: `${usedCpu}m`, memory: String(usedMemory) }, "o")] });
      const pod = asking({ cpu: `${cpu}m`, memory: String(memory) });
      expect(scores(pod, cluster, nodeResourcesFit())).toEqual(scores(pod, cluster, fit({ type: "LeastAllocated" })));
    }),
  );
});

describe("balance", () => {
  it("of three resources goes by their deviation", () => {
    const node = having({ cpu: "10", memory: "1000", "example.com/gpu": "10" });
    const cluster = clusterOf([aNode("n1", node), aNode("n2", node)], { n2: [asking({ cpu: "4" }, "o")] });
    const pod = asking({ cpu: "2", memory: "200", "example.com/gpu": "2" });
    const three = balancedAllocation(["cpu", "memory", "example.com/gpu"]);
    // n1 stays even, n2 stays as uneven as it was.
    expect(scores(pod, cluster, three)).toEqual({ n1: 75, n2: 75 });
    expect(scores(asking({ memory: "400", "example.com/gpu": "4" }), cluster, three)).toEqual({ n1: 65, n2: 84 });
  });

  it("leaves pods alone that ask for none of its resources", () => {
    expect(scores(asking({ cpu: "1" }), clusterOf([aNode("n", having({ cpu: "4" }))]), balancedAllocation(["example.com/gpu"]))).toBeUndefined();
  });
});

it("does not look at what it is told to ignore", () => {
  const cluster = clusterOf([aNode("n", having({ cpu: "4" }))]);
  const said = (options: FitOptions, resource: string) => verdicts(asking({ [resource]: "1" }), cluster, [nodeResourcesFit(options)])["n"];
  expect(said({}, "example.com/a")).toBe("Insufficient example.com/a!");
  expect(said({ ignoredResources: ["example.com/a"] }, "example.com/a")).toBe("ok");
  expect(said({ ignoredResourceGroups: ["example.com"] }, "example.com/b")).toBe("ok");
  expect(said({ ignoredResources: ["example.com/a"] }, "example.com/b")).toBe("Insufficient example.com/b!");
  // Only what is not Kubernetes' own.
  expect(said({ ignoredResources: ["hugepages-2Mi"] }, "hugepages-2Mi")).toBe("Insufficient hugepages-2Mi!");
});
