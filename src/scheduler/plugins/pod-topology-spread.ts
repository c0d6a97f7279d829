import type { Node, TopologySpreadConstraint } from "../../api/generated/types/core-v1.ts";
import type { Change } from "../changes.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import { type PodInfo, podInfo } from "../cluster/pod-info.ts";
import { TriedCounts } from "../cluster/tally.ts";
import { MAX_SCORE, type Plugin, type Prefiltered, type Scores, type TriedChange } from "../plugin.ts";
import { constraintsOf, constraintWith, countOn, countsAllNodes, countsNode, type DefaultSelector, hasAllKeys, matchingPods, type SpreadConstraint } from "./spread-constraint.ts";

export interface SpreadOptions {
  /** For pods that name no constraints. Default: the system's, which only rate. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

const HOSTNAME = "kubernetes.io/hostname";
const systemConstraints: readonly TopologySpreadConstraint[] = [
  { maxSkew: 3, topologyKey: HOSTNAME, whenUnsatisfiable: "ScheduleAnyway" },
  { maxSkew: 5, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
];
const missingLabel = [{ reason: "node(s) didn't match pod topology spread constraints (missing required label)", unresolvable: true }];
const skewed = [{ reason: "node(s) didn't match pod topology spread constraints", unresolvable: false }];

/** A required constraint with what is counted for it. */
interface Counted {
  readonly constraint: SpreadConstraint;
  /** Values of the label that nodes which count have. */
  readonly domains: ReadonlyMap<string, unknown>;
  readonly counts: TriedCounts;
  readonly self: 0 | 1;
  /** The fewest pods of any domain; worked out when first asked for. */
  least: number | undefined;
}

/** A wished constraint with what is counted for it; `counts` undefined: per node, looked up when rating. */
interface Rated {
  readonly constraint: SpreadConstraint;
  readonly counts: ReadonlyMap<string, number> | undefined;
  readonly perNode: ReadonlyMap<NodeInfo, number>;
  readonly weight: number;
}

interface Rating {
  readonly rated: readonly Rated[];
  readonly ignored: ReadonlySet<NodeInfo>;
  /** The nodes in the order of the scores. */
  readonly feasible: readonly NodeInfo[];
}

/** Spreads pods over topologies: required skews filter, wished ones rate. @upstream plugins/podtopologyspread */
export function podTopologySpread({ defaultConstraints }: SpreadOptions, defaultSelector: DefaultSelector): Plugin {
  const defaults = defaultConstraints ?? systemConstraints;
  const defaultsByWhen = {
    DoNotSchedule: defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule"),
    ScheduleAnyway: defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway"),
  };
  const constraintsFor = (pod: PodInfo, when: "DoNotSchedule" | "ScheduleAnyway"): readonly SpreadConstraint[] => {
    if ((pod.pod.spec.topologySpreadConstraints ?? []).length > 0) return constraintsOf(pod, when);
    const specs = defaultsByWhen[when];
    const known = specs.length === 0 ? undefined : defaultSelector(pod.pod);
    return known === undefined ? [] : specs.map((spec) => constraintWith(spec, pod.pod, known));
  };
  return {
    name: "PodTopologySpread",
    weight: 2,
    prefilter(pod, cluster): Prefiltered {
      const constraints = constraintsFor(pod, "DoNotSchedule");
      return constraints.length === 0 ? "skip" : { state: countRequired(constraints, pod, cluster) };
    },
    filter: (_pod, { labels }, state) => judge(labels, state as readonly Counted[]),
    topologyKeys: (state) => (state as readonly Counted[]).map(({ constraint }) => constraint.topologyKey),
    fork: (state) => (state as readonly Counted[]).map((counted) => ({ ...counted, counts: counted.counts.fork() })),
    adjust: (state, pod, change) => adjust(state as readonly Counted[], pod, change),
    prescore(pod, cluster, nodes) {
      const constraints = constraintsFor(pod, "ScheduleAnyway");
      // The system's own constraints also rate nodes that lack a zone.
      const needsAllKeys = defaultConstraints !== undefined || (pod.pod.spec.topologySpreadConstraints ?? []).length > 0;
      return constraints.length === 0 ? "skip" : rateNodes(constraints, pod, cluster, { feasible: nodes(), needsAllKeys });
    },
    score(_pod, node, state) {
      const { rated, ignored } = state as Rating;
      if (ignored.has(node)) return 0;
      let score = 0;
      for (const { constraint, counts, perNode, weight } of rated) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) continue;
        const count = (counts === undefined ? perNode.get(node) : counts.get(value)) ?? 0;
        score += count * weight + (constraint.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize: (scores, state) => normalize(scores, state as Rating),
    listens: ["pod/add", "pod/delete", "pod/label", "target/label", "node/add", "node/delete", "node/label", "node/taint"],
    mayHelp(pod, change) {
      const constraints = constraintsFor(pod, "DoNotSchedule");
      if (change.resource === "node") return mayHelpNode(pod, constraints, change);
      return (change.resource === "pod" || change.resource === "target") && mayHelpPod(pod, constraints, change);
    },
  };
}

function countRequired(constraints: readonly SpreadConstraint[], pod: PodInfo, cluster: Cluster): readonly Counted[] {
  const all = countsAllNodes(constraints, cluster);
  return constraints.map((constraint) => {
    const tally = matchingPods(constraint, pod.namespace, cluster);
    const counted = all ? undefined : countOn(cluster.nodes, constraint, constraints, pod, tally);
    return {
      constraint,
      domains: counted ?? cluster.domains(constraint.topologyKey).values,
      counts: new TriedCounts(counted ?? tally.by(constraint.topologyKey)),
      self: constraint.selector.matches(pod.labels) ? 1 : 0,
      least: undefined,
    };
  });
}

function judge(labels: NodeInfo["labels"], state: readonly Counted[]): typeof skewed | undefined {
  for (const counted of state) {
    const { constraint, domains, counts, self } = counted;
    const value = labels[constraint.topologyKey];
    if (value === undefined) return missingLabel;
    // Too few domains: there might be an empty one.
    counted.least ??= domains.size < constraint.minDomains ? 0 : counts.least(domains);
    if (counts.get(value) + self - counted.least > constraint.maxSkew) return skewed;
  }
  return undefined;
}

function adjust(state: readonly Counted[], pod: PodInfo, { other, node, by }: TriedChange): void {
  if (other.namespace !== pod.namespace || other.isTerminating || node.node === undefined) return;
  const constraints = state.map(({ constraint }) => constraint);
  if (!hasAllKeys(node.labels, constraints)) return;
  for (const counted of state) {
    const { constraint, counts } = counted;
    const value = node.labels[constraint.topologyKey];
    if (value === undefined || !constraint.selector.matches(other.labels) || !countsNode(constraint, pod.pod, node.node)) continue;
    counts.add(value, by);
    counted.least = undefined;
  }
}

function rateNodes(
  constraints: readonly SpreadConstraint[],
  pod: PodInfo,
  cluster: Cluster,
  { feasible, needsAllKeys }: { readonly feasible: readonly NodeInfo[]; readonly needsAllKeys: boolean },
): Rating {
  const ignored = new Set<NodeInfo>();
  if (needsAllKeys) for (const node of feasible) if (!hasAllKeys(node.labels, constraints)) ignored.add(node);
  const countsAll = needsAllKeys ? countsAllNodes(constraints, cluster) : constraints.every(({ honorsAffinity, honorsTaints }) => !honorsAffinity && !honorsTaints);
  const rated = constraints.map((constraint): Rated => {
    const tally = matchingPods(constraint, pod.namespace, cluster);
    const { topologyKey } = constraint;
    if (topologyKey === HOSTNAME) return { constraint, counts: undefined, perNode: tally.perNode, weight: weightFor(feasible.length - ignored.size) };
    const counts = new Map<string, number>();
    // A node without the label is a domain of its own, that no pod counts for.
    for (const node of feasible) if (!ignored.has(node)) counts.set(node.labels[topologyKey] ?? "", 0);
    if (countsAll) {
      for (const value of counts.keys()) counts.set(value, tally.by(topologyKey).get(value) ?? 0);
    } else {
      for (const [node, number] of tally.perNode) {
        if (node.node === undefined || (needsAllKeys && !hasAllKeys(node.labels, constraints)) || !countsNode(constraint, pod.pod, node.node)) continue;
        const value = node.labels[topologyKey] ?? "";
        const known = counts.get(value);
        if (known !== undefined) counts.set(value, known + number);
      }
    }
    return { constraint, counts, perNode: tally.perNode, weight: weightFor(counts.size) };
  });
  return { rated, ignored, feasible };
}

/** Counts of topologies with few values weigh less, as they are larger. */
function weightFor(size: number): number {
  return Math.log(size + 2);
}

function normalize(scores: Scores, { ignored, feasible }: Rating): void {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let index = 0; index < scores.length; index += 1) {
    if (ignored.size > 0 && ignored.has(feasible[index] as NodeInfo)) continue;
    const score = scores[index] ?? 0;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  for (let index = 0; index < scores.length; index += 1) {
    if (ignored.size > 0 && ignored.has(feasible[index] as NodeInfo)) scores[index] = 0;
    else scores[index] = most === 0 ? MAX_SCORE : Math.trunc((MAX_SCORE * (most + least - (scores[index] ?? 0))) / most);
  }
}

/** A pod of the same namespace came, went or changed its labels so that a constraint counts otherwise. */
function mayHelpPod(pod: PodInfo, constraints: readonly SpreadConstraint[], { resource, previous, next }: Extract<Change, { readonly resource: "pod" | "target" }>): boolean {
  const before = previous === undefined ? undefined : podInfo(previous);
  const after = next === undefined ? undefined : podInfo(next);
  if (resource === "pod" && (after ?? before)?.namespace !== pod.namespace) return false;
  return constraints.some(({ selector }) => (before !== undefined && selector.matches(before.labels)) !== (after !== undefined && selector.matches(after.labels)));
}

/** A node whose pods count under other values than before, or count now, or no more. */
function mayHelpNode({ pod }: PodInfo, constraints: readonly SpreadConstraint[], { previous, next }: Extract<Change, { readonly resource: "node" }>): boolean {
  const valueOf = (constraint: SpreadConstraint, node: Node | undefined): string | undefined => {
    const labels = node?.metadata.labels ?? {};
    return node !== undefined && hasAllKeys(labels, constraints) && countsNode(constraint, pod, node) ? labels[constraint.topologyKey] : undefined;
  };
  return constraints.some((constraint) => valueOf(constraint, previous) !== valueOf(constraint, next));
}
