import type { Node, Pod, TopologySpreadConstraint } from "../../api/generated/types/core-v1.ts";
import type { Labels, LabelSelector } from "../../meta/label-selector.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import { type KnownSelector, knownSelector, withLabelKeys } from "../cluster/known-selector.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import type { Tally } from "../cluster/tally.ts";
import { matchesNode, requiresNode } from "./node-affinity.ts";
import { untolerated } from "./node-state.ts";

/** One topology spread constraint of one pod, read. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelSelector;
  readonly known: KnownSelector;
  /** Whether the pod's affinity and tolerations decide which nodes count. */
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** What spreads pods that ask for nothing: the labels that their services and owners select them by. */
export type DefaultSelector = (pod: Pod) => KnownSelector | undefined;

/** Those of the pod that apply when they cannot be met, either by keeping it waiting or by placing it all the same. */
export function constraintsOf({ pod, labels }: PodInfo, whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway"): readonly SpreadConstraint[] {
  const specs = pod.spec.topologySpreadConstraints;
  if (specs === undefined) return [];
  return specs.filter((spec) => spec.whenUnsatisfiable === whenUnsatisfiable).map((spec) => readConstraint(spec, pod, labels));
}

function readConstraint(spec: TopologySpreadConstraint, pod: Pod, labels: Labels): SpreadConstraint {
  return constraintWith(spec, pod, knownSelector(withLabelKeys(spec.labelSelector, labels, { match: spec.matchLabelKeys })));
}

export function constraintWith(spec: TopologySpreadConstraint, pod: Pod, known: KnownSelector): SpreadConstraint {
  return {
    topologyKey: spec.topologyKey,
    maxSkew: spec.maxSkew,
    minDomains: spec.minDomains ?? 1,
    selector: known.selector,
    known,
    honorsAffinity: (spec.nodeAffinityPolicy ?? "Honor") === "Honor" && requiresNode(pod),
    honorsTaints: (spec.nodeTaintsPolicy ?? "Ignore") === "Honor",
  };
}

/** Whether the node's pods count. */
export function countsNode({ honorsAffinity, honorsTaints }: SpreadConstraint, pod: Pod, node: Node): boolean {
  if (honorsAffinity && !matchesNode(pod, node)) return false;
  return !honorsTaints || untolerated(node, pod.spec.tolerations ?? []) === undefined;
}

export function hasAllKeys(labels: Labels, constraints: readonly SpreadConstraint[]): boolean {
  return constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined);
}

/** The pods that a constraint counts: those of the pod's namespace that it selects, except those that end. */
export function matchingPods({ known, selector }: SpreadConstraint, namespace: string, cluster: Cluster): Tally {
  return cluster.tally({
    key: `spread|${namespace}|${known.key}`,
    pair: known.pair,
    namespaces: new Set([namespace]),
    matches: (pod) => pod.namespace === namespace && !pod.isTerminating && selector.matches(pod.labels),
  });
}

/** Whether every node counts for all of the constraints, so that the cluster's own counts are theirs. */
export function countsAllNodes(constraints: readonly SpreadConstraint[], cluster: Cluster): boolean {
  return constraints.every(
    ({ honorsAffinity, honorsTaints, topologyKey }) => !honorsAffinity && !honorsTaints && (constraints.length === 1 || cluster.domains(topologyKey).isOnAll),
  );
}

/** The pods that match, by topology value, on those of `nodes` that count; values without any are there with 0. */
export function countOn(nodes: readonly NodeInfo[], constraint: SpreadConstraint, all: readonly SpreadConstraint[], pod: PodInfo, tally: Tally): Map<string, number> {
  const counts = new Map<string, number>();
  for (const info of nodes) {
    const { node, labels } = info;
    const value = labels[constraint.topologyKey];
    if (node === undefined || value === undefined || !hasAllKeys(labels, all) || !countsNode(constraint, pod.pod, node)) continue;
    counts.set(value, (counts.get(value) ?? 0) + (tally.perNode.get(info) ?? 0));
  }
  return counts;
}
