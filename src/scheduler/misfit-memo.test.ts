import * as fc from "fast-check";
import { expect, it } from "vitest";
import { podInfo } from "./cluster/pod-info.ts";
import { Cycle } from "./cycle.ts";
import { filterNodes } from "./filter-nodes.ts";
import { nodeResourcesFit } from "./plugins/node-resources.ts";
import { taintToleration } from "./plugins/node-state.ts";
import { aNode, aPod, clusterOf } from "./sample-objects.ts";
import { TemplateMemos } from "./template-memo.ts";

const plugins = [taintToleration, nodeResourcesFit()];
const names = ["n0", "n1", "n2", "n3", "n4"];
const name = fc.constantFrom(...names);

// Most nodes are too small, tainted or taken, so that mostly none fits.
const aStep = fc.oneof(
  fc.record({ do: fc.constant("node" as const), name, cpu: fc.constantFrom("1", "1", "2"), isTainted: fc.boolean() }),
  fc.record({ do: fc.constant("drop" as const), name }),
  fc.record({ do: fc.constant("add" as const), name, pod: fc.nat(4) }),
  fc.record({ do: fc.constant("remove" as const), pod: fc.nat(4) }),
  fc.record({ do: fc.constant("nominate" as const), name, pod: fc.nat(2), priority: fc.constantFrom(0, 20) }),
  fc.record({ do: fc.constant("forget" as const), pod: fc.nat(2) }),
  fc.record({ do: fc.constant("filter" as const), as: fc.nat(4), startIndex: fc.nat(10) }),
  fc.record({ do: fc.constant("filter" as const), as: fc.constant(4), startIndex: fc.nat(10) }),
);

it("what is remembered of nodes that do not fit is what judging each afresh says", () => {
  let misfits = 0;
  fc.assert(
    fc.property(fc.array(aStep, { minLength: 10, maxLength: 60 }), (steps) => {
      const cluster = clusterOf(names.map((each) => aNode(each, { allocatable: { cpu: "1", memory: "8Gi", pods: "9" } })));
      const memos = new TemplateMemos();
      for (const next of steps) {
        if (next.do === "node") {
          const taints = next.isTainted ? [{ key: "t", effect: "NoSchedule" }] : [];
          cluster.setNode(aNode(next.name, { spec: { taints }, allocatable: { cpu: next.cpu, memory: "8Gi", pods: "9" } }));
        } else if (next.do === "drop") cluster.removeNode(next.name);
        else if (next.do === "add") cluster.addPod(podInfo(aPod(`p${next.pod}`, { requests: { cpu: "1" } })), next.name);
        else if (next.do === "remove") cluster.removePod(`default/p${next.pod}`);
        else if (next.do === "nominate") cluster.nominations.set(podInfo(aPod(`v${next.pod}`, { requests: { cpu: "1" }, spec: { priority: next.priority } })), next.name);
        else if (next.do === "forget") cluster.nominations.delete(`default/v${next.pod}`);
        else {
          // v0 to v2 may be nominated themselves.
          const pod = podInfo(aPod(`v${next.as}`, { requests: { cpu: "2" }, spec: { priority: 10 } }));
          const range = { startIndex: next.startIndex, wanted: 2 };
          const remembered = filterNodes(new Cycle(pod, { cluster, plugins, memos }), cluster.nodes, range);
          const fresh = filterNodes(new Cycle(pod, { cluster, plugins }), cluster.nodes, range);
          expect(remembered.fitting.list).toEqual(fresh.fitting.list);
          expect(remembered.verdicts).toEqual(fresh.verdicts);
          expect(new Set(remembered.resolvable)).toEqual(new Set(fresh.resolvable));
          expect([remembered.reasons, remembered.plugins, remembered.evaluated]).toEqual([fresh.reasons, fresh.plugins, fresh.evaluated]);
          if (fresh.fitting.count === 0) misfits += 1;
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(misfits).toBeGreaterThan(500);
});
