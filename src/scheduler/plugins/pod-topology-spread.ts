import type { Node, Pod, TopologySpreadConstraint } from "../../api/generated/types/core-v1.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import type { NodeInfo } from "../node-info.ts";
import type { CycleState, Plugin, Snapshot } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { matchesNode } from "./node-affinity.ts";
import { tolerated } from "./node-state.ts";

interface Constraint {
  readonly spec: TopologySpreadConstraint;
  readonly selector: LabelSelector;
  readonly selfMatch: number;
  /** Matching pods per topology value. */
  readonly counts: Map<string, number>;
}

/** What spreads pods that ask for nothing: the labels that their owners select them by. */
export type DefaultSelector = (pod: Pod) => LabelSelector | undefined;

const HOSTNAME = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";

/** Spreads pods over topologies: required skews filter, wished ones rate. @upstream plugins/podtopologyspread */
export function podTopologySpread(defaultSelector: DefaultSelector): Plugin {
  return {
    name: "PodTopologySpread",
    weight: 2,
    prefilter: ({ pod }, snapshot): readonly Constraint[] => constraintsOf(pod, "DoNotSchedule").map((spec) => counted(spec, pod, snapshot, snapshot.nodes)),
    filter(_pod, node, state) {
      for (const { spec, counts, selfMatch } of state as readonly Constraint[]) {
        const value = node.node?.metadata.labels?.[spec.topologyKey];
        if (value === undefined) return [{ reason: "node(s) didn't match pod topology spread constraints (missing required label)", unresolvable: true }];
        const minimum = counts.size < (spec.minDomains ?? 1) ? 0 : Math.min(...counts.values());
        if ((counts.get(value) ?? 0) + selfMatch - (Number.isFinite(minimum) ? minimum : 0) > spec.maxSkew)
          return [{ reason: "node(s) didn't match pod topology spread constraints", unresolvable: false }];
      }
      return [];
    },
    prescore({ pod }, snapshot, feasible): CycleState {
      const wished = constraintsOf(pod, "ScheduleAnyway");
      const specs = wished.length > 0 || (pod.spec.topologySpreadConstraints ?? []).length > 0 ? wished : defaultConstraints(pod, defaultSelector);
      return specs.map((spec) => counted(spec, pod, snapshot, feasible));
    },
    score(_pod, node, state) {
      let score = 0;
      for (const { spec, counts } of state as readonly Constraint[]) {
        const value = node.node?.metadata.labels?.[spec.topologyKey];
        if (value === undefined) continue;
        score += (counts.get(value) ?? 0) * Math.log(counts.size + 2) + (spec.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize(scores) {
      const max = Math.max(...scores);
      const min = Math.min(...scores);
      for (let index = 0; index < scores.length; index += 1) scores[index] = max === 0 ? 100 : Math.floor((100 * (max + min - (scores[index] ?? 0))) / max);
    },
  };
}

function constraintsOf(pod: Pod, when: string): readonly TopologySpreadConstraint[] {
  return (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
}

function defaultConstraints(pod: Pod, defaultSelector: DefaultSelector): readonly TopologySpreadConstraint[] {
  const selector = defaultSelector(pod);
  if (selector === undefined) return [];
  const labelSelector = { matchExpressions: selector.requirements.map(({ key, operator, values }) => ({ key, operator: operatorName(operator), values })) };
  return [
    { maxSkew: 3, topologyKey: HOSTNAME, whenUnsatisfiable: "ScheduleAnyway", labelSelector },
    { maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: "ScheduleAnyway", labelSelector },
  ];
}

function operatorName(operator: string): string {
  if (operator === "exists") return "Exists";
  if (operator === "!") return "DoesNotExist";
  return operator === "notin" || operator === "!=" ? "NotIn" : "In";
}

/** Counts matching pods of the pod's namespace per topology value, over the nodes that the constraint includes. */
function counted(spec: TopologySpreadConstraint, pod: Pod, snapshot: Snapshot, eligible: readonly NodeInfo[]): Constraint {
  const labels = pod.metadata.labels ?? {};
  const byKeys = Object.fromEntries((spec.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined).map((key) => [key, labels[key] ?? ""]));
  const base = LabelSelector.of(spec.labelSelector);
  const matches = (candidate: Readonly<Record<string, string>>): boolean => base.matches(candidate) && Object.entries(byKeys).every(([key, value]) => candidate[key] === value);
  const counts = new Map<string, number>();
  for (const { node } of eligible) {
    const value = node?.metadata.labels?.[spec.topologyKey];
    if (node !== undefined && value !== undefined && includes(spec, pod, node)) counts.set(value, 0);
  }
  for (const info of snapshot.nodes) {
    const value = info.node?.metadata.labels?.[spec.topologyKey];
    if (value === undefined || !counts.has(value)) continue;
    counts.set(value, (counts.get(value) ?? 0) + countMatching(info, pod, matches));
  }
  return { spec, selector: base, selfMatch: matches(labels) ? 1 : 0, counts };
}

function includes({ nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" }: TopologySpreadConstraint, pod: Pod, node: Node): boolean {
  if (nodeAffinityPolicy === "Honor" && !matchesNode(pod, node)) return false;
  if (nodeTaintsPolicy !== "Honor") return true;
  return (node.spec.taints ?? []).every((taint) => taint.effect === "PreferNoSchedule" || tolerated(taint, pod.spec.tolerations ?? []));
}

function countMatching(info: NodeInfo, { metadata }: Pod, matches: (labels: Readonly<Record<string, string>>) => boolean): number {
  let count = 0;
  for (const other of info.pods.values()) if (isCounted(other, metadata.namespace) && matches(other.pod.metadata.labels ?? {})) count += 1;
  return count;
}

function isCounted({ pod }: PodInfo, namespace: string | undefined): boolean {
  return pod.metadata.namespace === namespace && pod.metadata.deletionTimestamp === undefined;
}
