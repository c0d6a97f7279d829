import type { Node, NodeSpec, Pod, PodSpec, PodStatus } from "../api/generated/types/core-v1.ts";
import { ClusterState } from "./cluster/cluster-state.ts";
import { type PodInfo, podInfo } from "./cluster/pod-info.ts";
import { Cycle } from "./cycle.ts";
import type { Plugin } from "./plugin.ts";
import type { NamespaceReader } from "./plugins/namespace-reader.ts";
import type { Verdict } from "./verdict.ts";

// For tests: the least of an object that a scheduler can look at.

export interface NodeWishes {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: NodeSpec;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly images?: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
}

export function aNode(name: string, { labels = {}, spec = {}, allocatable = { cpu: "4", memory: "8Gi", pods: "110" }, images = [] }: NodeWishes = {}): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels }, resourceVersion: "1" },
    spec,
    status: { capacity: allocatable, allocatable, images },
  };
}

export interface PodWishes {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly requests?: Readonly<Record<string, string>>;
  readonly spec?: Partial<PodSpec>;
  readonly status?: PodStatus;
  readonly deleted?: boolean;
}

export function aPod(name: string, { namespace = "default", labels = {}, requests, spec = {}, status, deleted = false }: PodWishes = {}): Pod {
  const resources = requests === undefined ? {} : { resources: { requests } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels, resourceVersion: "1", ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: { containers: [{ name: "main", image: "web:1", ...resources }], ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** Nodes, and pods by the node that they are on. */
export function clusterOf(nodes: readonly Node[], pods: Readonly<Record<string, readonly Pod[]>> = {}): ClusterState {
  const cluster = new ClusterState();
  for (const node of nodes) cluster.setNode(node);
  for (const [node, all] of Object.entries(pods)) for (const pod of all) cluster.addPod(podInfo(pod), node);
  return cluster;
}

/** Namespaces with their labels. */
export function namespacesOf(labels: Readonly<Record<string, Readonly<Record<string, string>>>> = { default: {} }): NamespaceReader {
  return {
    labelsOf: (name) => labels[name] ?? {},
    matching: (selector) => Object.keys(labels).filter((name) => selector.matches(labels[name])),
  };
}

export function cycleOf(pod: Pod | PodInfo, cluster: ClusterState, plugins: readonly Plugin[]): Cycle {
  return new Cycle("pod" in pod ? pod : podInfo(pod), { cluster, plugins });
}

/** What the plug-ins say of every node: `{n1: "ok", n2: "node(s) were unschedulable"}`; `!` marks what preemption cannot help. */
export function verdicts(pod: Pod, cluster: ClusterState, plugins: readonly Plugin[]): Record<string, string> {
  const cycle = cycleOf(pod, cluster, plugins);
  return Object.fromEntries(cluster.nodes.map((node) => [node.name, cycle.refusal?.reason ?? verdictText(cycle.judge(node))]));
}

function verdictText(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "ok";
  return verdict.rejections.map(({ reason, unresolvable }) => (unresolvable ? `${reason}!` : reason)).join(", ");
}

/** The plug-in's scores of all nodes, brought to 0 to 100 where it does that; undefined: it would rate all alike. */
export function scores(pod: Pod, cluster: ClusterState, plugin: Plugin): Record<string, number> | undefined {
  const info = podInfo(pod);
  const state = plugin.prescore?.(info, cluster, () => cluster.nodes);
  if (state === "skip") return undefined;
  const all = cluster.nodes.map((node) => plugin.score?.(info, node, state) ?? 0);
  plugin.normalize?.(all, state);
  return Object.fromEntries(cluster.nodes.map(({ name }, index) => [name, all[index] ?? 0]));
}
