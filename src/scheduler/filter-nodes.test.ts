import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { PodSpec } from "../api/generated/types/core-v1.ts";
import { chooseNode } from "./choose-node.ts";
import { podInfo } from "./cluster/pod-info.ts";
import { Cycle } from "./cycle.ts";
import { filterNodes } from "./filter-nodes.ts";
import { interPodAffinity } from "./plugins/inter-pod-affinity.ts";
import { balancedAllocation, nodeResourcesFit } from "./plugins/node-resources.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { aNode, aPod, clusterOf, namespacesOf } from "./sample-objects.ts";
import { TemplateMemos } from "./template-memo.ts";
import { seededRandom } from "../base/random.ts";

const plugins = [nodeResourcesFit(), podTopologySpread({}, () => undefined), interPodAffinity({}, namespacesOf()), balancedAllocation()];
const ZONE = "zone";
const HOST = "kubernetes.io/hostname";
const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
const zoned = (name: string, zone: string, cpu: string) =>
  aNode(name, { labels: { [HOST]: name, ...(zone === "" ? {} : { [ZONE]: zone }) }, allocatable: { cpu, memory: "64Gi", pods: "9" } });

const near = (topologyKey: string, app: string) => [{ topologyKey, labelSelector: { matchLabels: { app } } }];
const key = fc.constantFrom(ZONE, HOST);
const app = fc.constantFrom("a", "b");
const wishes: fc.Arbitrary<Partial<PodSpec>> = fc.oneof(
  fc.constant({}),
  fc.record({ topologyKey: key, app }).map((to) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(to.topologyKey, to.app) } } })),
  fc.record({ topologyKey: key, app }).map((to) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(to.topologyKey, to.app) } } })),
  fc.array(fc.record({ topologyKey: key, maxSkew: fc.constantFrom(1, 2), app }), { minLength: 1, maxLength: 2 }).map((all) => ({
    topologySpreadConstraints: all.map(({ topologyKey, maxSkew, app: of }) => ({
      topologyKey,
      maxSkew,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: of } },
    })),
  })),
);
const aStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("schedule" as const), app, wishes, startIndex: fc.nat(20), wanted: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), pod: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("node" as const), name: fc.constantFrom(...names), zone: fc.constantFrom("x", "y", "z", ""), cpu: fc.constantFrom("1", "4") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("nominate" as const), name: fc.constantFrom(...names), as: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), as: fc.nat(2) }) },
);

it("what is remembered of nodes and of topologies is what judging each node afresh says", () => {
  const seen = { fitting: 0, misfits: 0, turnedAway: 0 };
  fc.assert(
    fc.property(fc.array(aStep, { minLength: 5, maxLength: 40 }), (steps) => {
      const cluster = clusterOf(names.map((name, index) => zoned(name, ["x", "y", ""][index % 3] ?? "", "4")));
      const memos = new TemplateMemos();
      let count = 0;
      for (const step of steps) {
        if (step.do === "end") cluster.removePod(`default/p${step.pod}`);
        else if (step.do === "node") cluster.setNode(zoned(step.name, step.zone, step.cpu));
        else if (step.do === "nominate") cluster.nominations.set(podInfo(aPod(`v${step.as}`, { requests: { cpu: "2" } })), step.name);
        else if (step.do === "forget") cluster.nominations.delete(`default/v${step.as}`);
        else {
          const pod = podInfo(aPod(`p${count}`, { labels: { app: step.app }, requests: { cpu: "1" }, spec: step.wishes }));
          count += 1;
          const remembering = new Cycle(pod, { cluster, plugins, memos });
          const fresh = new Cycle(pod, { cluster, plugins });
          const found = filterNodes(remembering, cluster.nodes, step);
          const afresh = filterNodes(fresh, cluster.nodes, step);
          expect([found.fitting.list, found.evaluated]).toEqual([afresh.fitting.list, afresh.evaluated]);
          expect([found.verdicts, found.reasons, found.plugins]).toEqual([afresh.verdicts, afresh.reasons, afresh.plugins]);
          expect(new Set(found.resolvable)).toEqual(new Set(afresh.resolvable));
          seen[found.fitting.count > 0 ? "fitting" : "misfits"] += 1;
          seen.turnedAway += afresh.verdicts.length;
          const choice = chooseNode(remembering, step, seededRandom(count));
          expect(choice.node).toBe(chooseNode(fresh, step, seededRandom(count)).node);
          if (choice.node !== undefined) cluster.addPod(pod, choice.node.name);
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(Math.min(seen.fitting, seen.misfits, seen.turnedAway)).toBeGreaterThan(100);
});
