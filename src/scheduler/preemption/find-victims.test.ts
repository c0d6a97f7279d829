import * as fc from "fast-check";
import { expect, it } from "vitest";
import { podInfo } from "../cluster/pod-info.ts";
import { nodeResourcesFit } from "../plugins/node-resources.ts";
import { nodePorts } from "../plugins/node-state.ts";
import { aNode, aPod, clusterOf, cycleOf } from "../sample-objects.ts";
import { findVictims } from "./find-victims.ts";
import { byImportance } from "./pod-importance.ts";

const plugins = [nodePorts, nodeResourcesFit()];
const aSpec = fc.record({
  cpu: fc.integer({ min: 1, max: 4 }),
  priority: fc.constantFrom(0, 5, 10, 20),
  port: fc.option(fc.constantFrom(80, 81), { nil: undefined, freq: 3 }),
  startedS: fc.nat(5),
});
const podOf = (
  name: string,
  { cpu, priority, port, startedS }: { readonly cpu: number; readonly priority: number; readonly port: number | undefined; readonly startedS: number },
) =>
  aPod(name, {
    spec: {
      priority,
      containers: [{ name: "c", resources: { requests: { cpu: String(cpu) } }, ...(port === undefined ? {} : { ports: [{ containerPort: port, hostPort: port }] }) }],
    },
    status: { startTime: new Date(startedS * 1000).toISOString() },
  });

it("victims are those that trying every pod in the order of importance leaves no room for", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(aSpec, { maxLength: 6 }), aSpec, (others, wanted) => {
      const pods = others.map((other, index) => podInfo(podOf(`o${index}`, other)));
      const pod = podInfo(podOf("p", wanted));
      const cluster = clusterOf([aNode("n", { allocatable: { cpu: "8", memory: "8Gi", pods: "5" } })], { n: pods.map((each) => each.pod) });
      const [node] = cluster.nodes;
      if (node === undefined) throw new Error("there is a node");
      const outcome = findVictims(cycleOf(pod, cluster, plugins), node, { budgets: [], nowMs: 10_000 });
      const fits = (kept: typeof pods): boolean => {
        const twin = clusterOf([aNode("n", { allocatable: { cpu: "8", memory: "8Gi", pods: "5" } })], { n: kept.map((each) => each.pod) });
        const [there] = twin.nodes;
        return there !== undefined && cycleOf(pod, twin, plugins).judge(there) === undefined;
      };
      const lower = pods.filter(({ priority }) => priority < pod.priority);
      let kept = pods.filter(({ priority }) => priority >= pod.priority);
      if (lower.length === 0 || !fits(kept)) {
        expect(outcome).not.toHaveProperty("victims");
        return;
      }
      const victims: typeof pods = [];
      for (const each of lower.toSorted(byImportance(10_000)))
        if (fits([...kept, each])) kept = [...kept, each];
        else victims.push(each);
      if (victims.length === 0) expect(outcome).toMatchObject({ rejections: [{ reason: "No preemption victims found for incoming pod" }] });
      else {
        expect("victims" in outcome ? outcome.victims.map(({ key }) => key) : outcome).toEqual(victims.map(({ key }) => key));
        found += 1;
      }
    }),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(50);
});
