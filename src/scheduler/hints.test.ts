import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Affinity, Node, Pod, PodSpec } from "../api/generated/types/core-v1.ts";
import { seededRandom } from "../base/random.ts";
import { type Change, kindOf, nodeActions, podActions } from "./changes.ts";
import { chooseNode } from "./choose-node.ts";
import type { ClusterState } from "./cluster/cluster-state.ts";
import { podInfo } from "./cluster/pod-info.ts";
import { interPodAffinity } from "./plugins/inter-pod-affinity.ts";
import { nodeAffinity } from "./plugins/node-affinity.ts";
import { nodeResourcesFit } from "./plugins/node-resources.ts";
import { nodeName, nodePorts, nodeUnschedulable, taintToleration } from "./plugins/node-state.ts";
import { podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { NO_NODES_PLUGIN } from "./profile.ts";
import { aNode, aPod, clusterOf, cycleOf, namespacesOf } from "./sample-objects.ts";

const plugins = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity(),
  nodePorts,
  nodeResourcesFit(),
  podTopologySpread({}, () => undefined),
  interPodAffinity({}, namespacesOf()),
];

/** Who turned the waiting pod away; undefined: it fits. */
function rejectors(pod: Pod, cluster: ClusterState): ReadonlySet<string> | undefined {
  if (cluster.nodes.length === 0) return new Set([NO_NODES_PLUGIN]);
  const choice = chooseNode(cycleOf(pod, cluster, plugins), { startIndex: 0 }, seededRandom(1));
  return choice.node === undefined ? choice.diagnosis.plugins : undefined;
}

/** Whether one of those who turned the pod away says that the change may help it. */
function mayHelp(pod: Pod, names: ReadonlySet<string>, change: Change): boolean {
  if (names.has(NO_NODES_PLUGIN)) return kindOf(change) === "node/add";
  return plugins.some(
    (plugin) => names.has(plugin.name) && plugin.listens?.includes(kindOf(change)) === true && (plugin.mayHelp === undefined || plugin.mayHelp(podInfo(pod), change)),
  );
}

const app = fc.constantFrom("web", "db");
const labels = fc.record({ app });
const nodeNames = ["n0", "n1", "n2"] as const;
const key = fc.constantFrom("zone", "kubernetes.io/hostname");
const anyNode = (name: string) =>
  fc
    .record({
      zone: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
      isTainted: fc.boolean(),
      isCordoned: fc.boolean(),
      cpu: fc.constantFrom("1", "2", "4"),
    })
    .map(({ zone, isTainted, isCordoned, cpu }) =>
      aNode(name, {
        labels: zone === undefined ? {} : { zone },
        spec: { ...(isTainted ? { taints: [{ key: "t", value: "v", effect: "NoSchedule" }] } : {}), ...(isCordoned ? { unschedulable: true } : {}) },
        allocatable: { cpu, memory: "8Gi", pods: "3" },
      }),
    );
const term = fc.record({ topologyKey: key, labelSelector: app.map((value) => ({ matchLabels: { app: value } })) });
const affinity: fc.Arbitrary<Affinity> = fc.oneof(
  fc.constant({}),
  term.map((one) => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [one] } })),
  term.map((one) => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [one] } })),
);
const spec: fc.Arbitrary<Partial<PodSpec>> = fc
  .record({
    affinity,
    isTolerant: fc.boolean(),
    zone: fc.option(fc.constantFrom("a", "b"), { nil: undefined, freq: 3 }),
    skew: fc.option(fc.record({ topologyKey: key, app, nodeTaintsPolicy: fc.constantFrom("Honor", "Ignore") }), { nil: undefined, freq: 3 }),
    port: fc.option(fc.constantFrom(80, 81), { nil: undefined, freq: 3 }),
    cpu: fc.constantFrom("100m", "1", "2"),
  })
  .map(({ affinity: wish, isTolerant, zone, skew, port, cpu }) => ({
    affinity: wish,
    containers: [{ name: "c", image: "web:1", resources: { requests: { cpu } }, ...(port === undefined ? {} : { ports: [{ containerPort: port, hostPort: port }] }) }],
    ...(isTolerant ? { tolerations: [{ key: "t", operator: "Exists" }] } : {}),
    ...(zone === undefined ? {} : { nodeSelector: { zone } }),
    ...(skew === undefined
      ? {}
      : {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: skew.topologyKey,
              nodeTaintsPolicy: skew.nodeTaintsPolicy,
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: { app: skew.app } },
            },
          ],
        }),
  }));
const placed = fc.record({ labels, spec, on: fc.constantFrom(...nodeNames) });
const step = fc.oneof(
  fc.constantFrom(...nodeNames).chain((name) => anyNode(name).map((node) => ({ do: "node" as const, node }))),
  fc.constantFrom(...nodeNames).map((name) => ({ do: "drop" as const, name })),
  fc.record({ do: fc.constant("pod" as const), name: fc.constantFrom("p0", "p1", "p2", "p3"), wishes: placed }),
  fc.record({ do: fc.constant("end" as const), name: fc.constantFrom("p0", "p1", "p2", "p3") }),
  fc.record({ do: fc.constant("label" as const), name: fc.constantFrom("p0", "p1", "p2", "p3"), labels }),
  fc.record({ do: fc.constant("shrink" as const), name: fc.constantFrom("p0", "p1", "p2", "p3") }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Takes the step into the cluster; what is told of it. */
function take(next: Step, cluster: ClusterState): readonly Change[] {
  if (next.do === "node") {
    const previous = cluster.node(next.node.metadata.name ?? "")?.node;
    cluster.setNode(next.node);
    if (previous === undefined) return [{ resource: "node", action: "add", previous: undefined, next: next.node }];
    return nodeActions(previous, next.node).map((action) => ({ resource: "node", action, previous, next: next.node }));
  }
  if (next.do === "drop") {
    const previous: Node | undefined = cluster.node(next.name)?.node;
    cluster.removeNode(next.name);
    return previous === undefined ? [] : [{ resource: "node", action: "delete", previous, next: undefined }];
  }
  const before = cluster.pod(`default/${next.name}`)?.pod;
  const on = cluster.placeOf(`default/${next.name}`)?.name ?? "";
  if (next.do === "pod") {
    if (before !== undefined) return [];
    const pod = aPod(next.name, next.wishes);
    cluster.addPod(podInfo(pod), next.wishes.on);
    return [{ resource: "pod", action: "add", previous: undefined, next: pod }];
  }
  if (before === undefined) return [];
  if (next.do === "end") {
    cluster.removePod(`default/${next.name}`);
    return [{ resource: "pod", action: "delete", previous: before, next: undefined }];
  }
  const after: Pod =
    next.do === "label"
      ? { ...before, metadata: { ...before.metadata, labels: next.labels } }
      : { ...before, spec: { ...before.spec, containers: before.spec.containers.map((container) => ({ ...container, resources: { requests: { cpu: "10m" } } })) } };
  cluster.addPod(podInfo(after), on);
  return podActions(before, after).map((action) => ({ resource: "pod", action, previous: before, next: after }));
}

it("whatever makes room for a waiting pod wakes it, as trying everything again would", () => {
  let awoken = 0;
  fc.assert(
    fc.property(
      fc.tuple(...nodeNames.map(anyNode)),
      fc.array(placed, { maxLength: 4 }),
      fc.record({ labels, spec }),
      fc.array(step, { maxLength: 12 }),
      (nodes, others, wishes, steps) => {
        const cluster = clusterOf(nodes);
        for (const [index, other] of others.entries()) cluster.addPod(podInfo(aPod(`p${index}`, other)), other.on);
        const waiting = aPod("waiting", wishes);
        let turnedAwayBy = rejectors(waiting, cluster);
        for (const next of steps) {
          if (turnedAwayBy === undefined) return;
          const changes = take(next, cluster);
          const isWoken = changes.some((change) => mayHelp(waiting, turnedAwayBy ?? new Set(), change));
          const now = rejectors(waiting, cluster);
          if (now === undefined) {
            expect(isWoken, `${JSON.stringify(next)} makes room, those who turned the pod away (${[...turnedAwayBy].join(", ")}) do not say so`).toBe(true);
            awoken += 1;
          }
          // Only a pod that is tried again learns who turns it away now.
          if (isWoken || now === undefined) turnedAwayBy = now;
        }
      },
    ),
    { numRuns: 2_000 },
  );
  expect(awoken).toBeGreaterThan(100);
});
