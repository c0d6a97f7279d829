import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { chooseNode, enoughNodes } from "./choose-node.ts";
import { podInfo } from "./cluster/pod-info.ts";
import { Cycle } from "./cycle.ts";
import { FittingNodes } from "./fitting-nodes.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { balancedAllocation, nodeResourcesFit } from "./plugins/node-resources.ts";
import { nodePorts, nodeUnschedulable, taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { preempt } from "./preemption/preempt.ts";
import { rateNodes } from "./rate-nodes.ts";
import { aNode, aPod, clusterOf, cycleOf, type PodWishes } from "./sample-objects.ts";
import { TemplateMemos } from "./template-memo.ts";
import { diagnosisText } from "./verdict.ts";

const plugins = [nodeUnschedulable, taintToleration, nodeAffinity(), nodePorts, nodeResourcesFit(), podTopologySpread({}, () => undefined), balancedAllocation()];
const choose = (...[pod, cluster, used = plugins]: [Parameters<typeof cycleOf>[0], Parameters<typeof cycleOf>[1], Parameters<typeof cycleOf>[2]?]) =>
  chooseNode(cycleOf(pod, cluster, used), { startIndex: 0 }, seededRandom(1));

describe("enough nodes to choose among", () => {
  // Upstream's table.
  it.each([
    [10, undefined, 10],
    [100, undefined, 100],
    [200, undefined, 100],
    [1000, undefined, 420],
    [1000, 40, 400],
    [1000, 100, 1000],
    [5000, undefined, 500],
    [6000, undefined, 300],
    [6000, 40, 2400],
  ])("%i nodes at %s percent: %i", (total, percent, expected) => {
    expect(enoughNodes(total, percent)).toBe(expected);
  });
});

describe("choosing a node", () => {
  it("takes the best, and of equals any", () => {
    const cluster = clusterOf([aNode("full"), aNode("empty")], { full: [aPod("o", { requests: { cpu: "3" } })] });
    expect(choose(aPod("p", { requests: { cpu: "1" } }), cluster).node?.name).toBe("empty");
    const equal = clusterOf(["a", "b", "c"].map((name) => aNode(name)));
    const random = seededRandom(3);
    const taken = new Set(Array.from({ length: 50 }, () => chooseNode(cycleOf(aPod("p"), equal, plugins), { startIndex: 0 }, random).node?.name));
    expect(taken).toEqual(new Set(["a", "b", "c"]));
  });

  it("looks only as far as it needs to, from where it left off", () => {
    const cluster = clusterOf(Array.from({ length: 300 }, (_, index) => aNode(`n${index}`)));
    const choice = chooseNode(cycleOf(aPod("p"), cluster, plugins), { startIndex: 250 }, seededRandom(1));
    expect(choice).toMatchObject({ evaluated: 144, feasible: 144 });
    expect(["n249", "n150"]).not.toContain(choice.node?.name);
  });

  it("tries the node that room was made on first", () => {
    const cluster = clusterOf([aNode("a"), aNode("b"), aNode("c")], { b: [aPod("o", { requests: { cpu: "3" } })] });
    const pod = aPod("p", { requests: { cpu: "1" }, status: { nominatedNodeName: "b" } });
    expect(choose(pod, cluster)).toMatchObject({ node: { name: "b" }, evaluated: 1 });
  });

  it("tries the node that we decided to make room on, before the API shows it and instead of what it showed", () => {
    const cluster = clusterOf([aNode("a"), aNode("b"), aNode("c")], { b: [aPod("o", { requests: { cpu: "3" } })] });
    const pod = aPod("p", { requests: { cpu: "1" } });
    cluster.nominations.set(podInfo(pod), "b");
    expect(choose(pod, cluster)).toMatchObject({ node: { name: "b" }, evaluated: 1 });
    expect(choose({ ...pod, status: { nominatedNodeName: "c" } }, cluster)).toMatchObject({ node: { name: "b" }, evaluated: 1 });
  });

  it("weighs plug-ins", () => {
    const cluster = clusterOf([aNode("soft", { spec: { taints: [{ key: "a", effect: "PreferNoSchedule" }] } }), aNode("used")], {
      used: [aPod("o", { requests: { cpu: "3", memory: "6Gi" } })],
    });
    const pod = aPod("p", { requests: { cpu: "100m", memory: "100Mi" } });
    expect(
      choose(pod, cluster, [
        { ...taintToleration, weight: 3 },
        { ...nodeResourcesFit(), weight: 1 },
      ]).node?.name,
    ).toBe("used");
    expect(
      choose(pod, cluster, [
        { ...taintToleration, weight: 1 },
        { ...nodeResourcesFit(), weight: 3 },
      ]).node?.name,
    ).toBe("soft");
  });

  it("looks at named nodes alone, and says who named them", () => {
    const cluster = clusterOf([aNode("a"), aNode("b", { spec: { unschedulable: true } })]);
    const only = (name: string) =>
      aPod("p", {
        spec: {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }] } },
          },
        },
      });
    expect(choose(only("a"), cluster)).toMatchObject({ node: { name: "a" }, evaluated: 1 });
    const refused = choose(only("b"), cluster);
    expect(refused.node === undefined && diagnosisText(refused.diagnosis)).toBe(
      "0/2 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity], 1 node(s) were unschedulable.",
    );
    expect(refused.node === undefined && refused.diagnosis.plugins).toEqual(new Set(["NodeUnschedulable", "NodeAffinity"]));
  });

  it("stops where a plug-in refuses the pod itself", () => {
    const picky = { name: "Picky", prefilter: () => ({ rejected: "pod has unbound immediate PersistentVolumeClaims" }), filter: () => undefined };
    const refused = choose(aPod("p"), clusterOf([aNode("a")]), [picky, ...plugins]);
    expect(refused.node === undefined && [diagnosisText(refused.diagnosis, "preemption: none."), refused.diagnosis.plugins]).toEqual([
      "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: none.",
      new Set(["Picky"]),
    ]);
  });
});

describe("nominated pods", () => {
  const small = () => clusterOf([aNode("n", { allocatable: { cpu: "2", memory: "8Gi", pods: "10" } })]);
  const judged = (priority: number, nominatedPriority: number): string | undefined => {
    const cluster = small();
    cluster.nominations.set(podInfo(aPod("vip", { requests: { cpu: "2" }, spec: { priority: nominatedPriority } })), "n");
    const cycle = new Cycle(podInfo(aPod("p", { requests: { cpu: "1" }, spec: { priority } })), { cluster, plugins });
    const [node] = cluster.nodes;
    return node === undefined ? "no node" : cycle.judge(node)?.rejections[0]?.reason;
  };

  it("count for pods of no higher priority", () => {
    expect([judged(0, 10), judged(10, 10), judged(20, 10)]).toEqual(["Insufficient cpu", "Insufficient cpu", undefined]);
  });

  it("do not count against themselves, and are only tried", () => {
    const cluster = small();
    const vip = podInfo(aPod("vip", { requests: { cpu: "2" } }));
    cluster.nominations.set(vip, "n");
    const [node] = cluster.nodes;
    const cycle = new Cycle(vip, { cluster, plugins });
    expect([node === undefined ? "no node" : cycle.judge(node), node?.pods.size]).toEqual([undefined, 0]);
  });

  it("are where they were nominated last", () => {
    const cluster = clusterOf([aNode("n1"), aNode("n2")]);
    const { nominations } = cluster;
    const on = (node: string) => cluster.node(node)?.nominated.map(({ key }) => key);
    const pod = podInfo(aPod("a"));
    nominations.set(pod, "n1");
    nominations.set(pod, "n2");
    expect([on("n1"), on("n2"), nominations.nodeOf(pod.key)]).toEqual([[], ["default/a"], "n2"]);
    cluster.removeNode("n2");
    cluster.setNode(aNode("n2"));
    expect(on("n2")).toEqual(["default/a"]);
    nominations.delete(pod.key);
    expect([on("n2"), nominations.isEmpty]).toEqual([[], true]);
  });
});

it("remembers by template what it would say afresh, whatever happens to the nodes", () => {
  const names = ["n0", "n1", "n2", "n3"];
  const template = fc.constantFrom(
    { requests: { cpu: "1" } },
    { requests: { cpu: "2", memory: "1Gi" } },
    { spec: { tolerations: [{ operator: "Exists" }] } },
    { spec: { nodeSelector: { disk: "ssd" } } },
    { spec: { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort: 80 }] }] } },
  );
  const step = fc.oneof(
    fc.record({ do: fc.constant("schedule" as const), pod: template, priority: fc.constantFrom(0, 10, 20), isNominated: fc.boolean(), startIndex: fc.nat(10) }),
    fc.record({ do: fc.constant("take" as const), pod: fc.nat(10) }),
    fc.record({
      do: fc.constant("node" as const),
      name: fc.constantFrom(...names),
      disk: fc.constantFrom("ssd", "hdd"),
      cpu: fc.constantFrom("1", "4"),
      tainted: fc.boolean(),
    }),
    fc.record({ do: fc.constant("drop" as const), name: fc.constantFrom(...names) }),
    fc.record({ do: fc.constant("nominate" as const), name: fc.constantFrom(...names), pod: template, priority: fc.constantFrom(0, 10, 20), as: fc.nat(3) }),
    fc.record({ do: fc.constant("forget" as const), as: fc.nat(3) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cluster = clusterOf(names.map((name) => aNode(name)));
      const memos = new TemplateMemos();
      const withPriority = (name: string, wishes: PodWishes, priority: number) => podInfo(aPod(name, { ...wishes, spec: { ...wishes.spec, priority } }));
      let pods = 0;
      for (const next of steps) {
        if (next.do === "schedule") {
          // One that is nominated itself is another for the node that it is nominated to.
          const pod = withPriority(next.isNominated ? "v0" : `p${pods}`, next.pod, next.priority);
          pods += 1;
          const remembered = new Cycle(pod, { cluster, plugins, memos });
          const fresh = new Cycle(pod, { cluster, plugins });
          for (const node of cluster.nodes) expect(remembered.judge(node)).toEqual(fresh.judge(node));
          const all = FittingNodes.of(cluster.nodes);
          expect(rateNodes(remembered, all)).toEqual(rateNodes(fresh, all));
          const options = { startIndex: next.startIndex };
          const choice = chooseNode(remembered, options, seededRandom(pods));
          const afresh = chooseNode(fresh, options, seededRandom(pods));
          expect([choice.node, choice.evaluated]).toEqual([afresh.node, afresh.evaluated]);
          if (choice.node !== undefined) {
            if (!next.isNominated) cluster.addPod(pod, choice.node.name);
          } else {
            const search = { budgets: [], nowMs: 0 };
            if (afresh.node !== undefined) throw new Error("no node was to be found");
            expect(choice.diagnosis).toEqual(afresh.diagnosis);
            const outcome = preempt(remembered, choice.diagnosis, { ...search, resolvable: choice.resolvable }, seededRandom(pods));
            expect(outcome).toEqual(preempt(fresh, afresh.diagnosis, search, seededRandom(pods)));
          }
        } else if (next.do === "nominate") cluster.nominations.set(withPriority(`v${next.as}`, next.pod, next.priority), next.name);
        else if (next.do === "forget") cluster.nominations.delete(`default/v${next.as}`);
        else if (next.do === "take") cluster.removePod(`default/p${next.pod}`);
        else if (next.do === "drop") cluster.removeNode(next.name);
        else {
          const taints = next.tainted ? [{ key: "t", effect: "NoSchedule" }] : [];
          cluster.setNode(aNode(next.name, { labels: { disk: next.disk }, spec: { taints }, allocatable: { cpu: next.cpu, memory: "4Gi", pods: "5" } }));
        }
      }
    }),
    { numRuns: 200 },
  );
});

describe("the text of a diagnosis", () => {
  const verdict = (node: string, ...reasons: readonly string[]) => ({ node, plugin: "P", rejections: reasons.map((reason) => ({ reason, unresolvable: false })) });
  it.each([
    [
      "counts reasons, in order of their text",
      { total: 3, verdicts: [verdict("a", "Insufficient memory", "Insufficient cpu"), verdict("b", "Insufficient cpu"), verdict("c", "x")] },
      "0/3 nodes are available: 1 Insufficient memory, 1 x, 2 Insufficient cpu.",
    ],
    ["speaks of the others", { total: 5, verdicts: [verdict("a", "x")], others: "y" }, "0/5 nodes are available: 1 x, 4 y."],
    ["may have nothing to say", { total: 2, verdicts: [] }, "0/2 nodes are available:"],
    ["says what keeps the pod from all", { total: 2, verdicts: [], refusal: "no", others: "no" }, "0/2 nodes are available: no."],
  ])("%s", (_what, diagnosis, expected) => {
    expect(diagnosisText(diagnosis)).toBe(expected);
  });
});
