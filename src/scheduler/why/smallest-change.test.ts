import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import type { ClusterState } from "../cluster/cluster-state.ts";
import { interPodAffinity } from "../plugins/inter-pod-affinity.ts";
import { nodeAffinity } from "../plugins/node-affinity.ts";
import { nodeResourcesFit } from "../plugins/node-resources.ts";
import { nodePorts, nodeUnschedulable, taintToleration } from "../plugins/node-state.ts";
import { podTopologySpread } from "../plugins/pod-topology-spread.ts";
import { aNode, aPod, clusterOf, cycleOf, namespacesOf } from "../sample-objects.ts";
import { quantityText } from "./amounts.ts";
import { smallestChange } from "./smallest-change.ts";

const plugins = [nodeUnschedulable, taintToleration, nodeAffinity(), nodePorts, nodeResourcesFit(), podTopologySpread({}, () => undefined), interPodAffinity({}, namespacesOf())];

function suggest(pod: Pod, cluster: ClusterState): ReturnType<typeof smallestChange> {
  const cycle = cycleOf(pod, cluster, plugins);
  const verdicts = cluster.nodes.flatMap((node) => cycle.judge(node) ?? []);
  expect(verdicts.length).toBe(cluster.nodes.length);
  return smallestChange(
    pod,
    verdicts,
    (name) => cluster.node(name),
    (changed) => cycleOf(changed, cluster, plugins),
  );
}

const anti = (labels: Record<string, string>) => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" }] },
});

const cases: readonly {
  readonly name: string;
  readonly pod: Pod;
  readonly nodes: readonly Node[];
  readonly on?: Record<string, readonly Pod[]>;
  readonly changes: readonly string[];
}[] = [
  {
    name: "too little cpu, on the node where least is missing",
    pod: aPod("p", { requests: { cpu: "5" } }),
    nodes: [aNode("a"), aNode("b", { allocatable: { cpu: "4500m", memory: "8Gi", pods: "110" } })],
    changes: ["ask for 500m less cpu, or free as much on node b"],
  },
  {
    name: "what a node has not at all",
    pod: aPod("p", { requests: { "example.com/gpu": "2" } }),
    nodes: [aNode("a")],
    changes: ["free 2 of example.com/gpu on node a"],
  },
  {
    name: "a full node",
    pod: aPod("p"),
    nodes: [aNode("a", { allocatable: { cpu: "4", memory: "8Gi", pods: "1" } })],
    on: { a: [aPod("other")] },
    changes: ["end 1 pod of node a"],
  },
  { name: "a cordoned node", pod: aPod("p"), nodes: [aNode("a", { spec: { unschedulable: true } })], changes: ["uncordon node a"] },
  {
    name: "a taint before much more",
    pod: aPod("p", { requests: { cpu: "3" } }),
    nodes: [
      aNode("a", { spec: { taints: [{ key: "team", value: "x", effect: "NoSchedule" }] } }),
      aNode("b", { spec: { unschedulable: true }, allocatable: { cpu: "1", pods: "9" } }),
    ],
    changes: ["tolerate the taint team=x:NoSchedule of node a, or take it off"],
  },
  {
    name: "two things on one node",
    pod: aPod("p", { spec: { nodeSelector: { disk: "ssd" } } }),
    nodes: [aNode("a", { spec: { unschedulable: true } })],
    changes: ["uncordon node a", "label node a disk=ssd, or take disk out of the pod's nodeSelector"],
  },
  {
    name: "a node affinity that no node meets",
    pod: aPod("p", {
      spec: {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["b", "c"] }] }] } },
        },
      },
    }),
    nodes: [aNode("a", { labels: { zone: "a" } })],
    changes: ["loosen the pod's required node affinity: node a does not meet zone In [b c]"],
  },
  {
    name: "a host port that is taken",
    pod: aPod("p", { spec: { containers: [{ name: "c", image: "x", ports: [{ containerPort: 80, hostPort: 8080 }] }] } }),
    nodes: [aNode("a")],
    on: { a: [aPod("web", { spec: { containers: [{ name: "c", image: "x", ports: [{ containerPort: 80, hostPort: 8080 }] }] } })] },
    changes: ["use another host port than 8080/TCP: on node a default/web has it"],
  },
  {
    name: "its own anti-affinity",
    pod: aPod("p", { labels: { app: "w" }, spec: { affinity: anti({ app: "w" }) } }),
    nodes: [aNode("a")],
    on: { a: [aPod("first", { labels: { app: "w" } })] },
    changes: ["loosen the pod's required pod anti-affinity over kubernetes.io/hostname, or move the pods that it selects away from node a"],
  },
  {
    name: "the anti-affinity of others",
    pod: aPod("p", { labels: { app: "w" } }),
    nodes: [aNode("a")],
    on: { a: [aPod("first", { spec: { affinity: anti({ app: "w" }) } })] },
    changes: ["give the pod labels that the anti-affinity of the pods on node a does not select, or move those pods"],
  },
];

describe("smallestChange", () => {
  it.each(cases)("$name", ({ pod, nodes, on, changes }) => {
    expect(suggest(pod, clusterOf(nodes, on))?.changes).toEqual(changes);
  });

  it("says nothing where it knows no way", () => {
    const cluster = clusterOf([aNode("a")]);
    expect(
      smallestChange(
        aPod("p"),
        [{ node: "a", plugin: "VolumeZone", rejections: [{ reason: "node(s) had no available volume zone", unresolvable: true }] }],
        (name) => cluster.node(name),
        (pod) => cycleOf(pod, cluster, plugins),
      ),
    ).toBeUndefined();
  });

  it("takes the node that lacks least, whatever the others are", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9_999 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, (free) => {
        const cluster = clusterOf(free.map((cpu, index) => aNode(`n${index}`, { allocatable: { cpu: `${cpu}m`, pods: "9" } })));
        const found = suggest(aPod("p", { requests: { cpu: "10" } }), cluster);
        expect(free[Number(found?.node.slice(1))]).toBe(Math.max(...free));
      }),
    );
  });
});

describe("quantityText", () => {
  it.each([
    ["cpu", 500, "500m"],
    ["cpu", 3_000, "3"],
    ["memory", 512 * 1024 * 1024, "512Mi"],
    ["memory", 1_000, "1000"],
    ["memory", 0, "0"],
    ["example.com/gpu", 2, "2"],
  ])("%s %d is %s", (resource, amount, text) => {
    expect(quantityText(resource, amount)).toBe(text);
  });
});
