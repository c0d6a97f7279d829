import type { Node, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../../api/generated/types/core-v1.ts";
import type { Labels } from "../../meta/label-selector.ts";
import { normalizeByMax, type Plugin } from "../plugin.ts";
import { wholeNumber } from "./node-state.ts";

const notMatched = [{ reason: "node(s) didn't match Pod's node affinity/selector", unresolvable: true }];
const notEnforced = [{ reason: "node(s) didn't match scheduler-enforced node affinity", unresolvable: true }];

/** nodeSelector and node affinity; `added` is asked of all pods of the profile besides. @upstream plugins/nodeaffinity */
export function nodeAffinity(added?: NodeAffinity): Plugin {
  const enforced = added?.requiredDuringSchedulingIgnoredDuringExecution;
  const wished = added?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferencesOf = (pod: Pod): typeof wished => pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: "NodeAffinity",
    weight: 2,
    isLocal: true,
    prefilter({ pod }) {
      const isFree = pod.spec.nodeSelector === undefined && required(pod) === undefined && enforced === undefined;
      if (isFree) return "skip";
      const only = namedNodes(pod);
      return only?.size === 0 ? { rejected: "pod affinity terms conflict" } : { state: undefined, only };
    },
    filter({ pod }, { node }) {
      if (node === undefined) return undefined;
      if (enforced !== undefined && !matchesSelector(enforced, node)) return notEnforced;
      return matchesNode(pod, node) ? undefined : notMatched;
    },
    prescore: ({ pod }) => (wished.length === 0 && preferencesOf(pod).length === 0 ? "skip" : undefined),
    score({ pod }, { node }) {
      if (node === undefined) return 0;
      let sum = 0;
      for (const { weight, preference } of [...wished, ...preferencesOf(pod)]) if (matchesTerm(preference, node.metadata.labels ?? {}, node.metadata.name)) sum += weight;
      return sum;
    },
    normalize: (scores) => normalizeByMax(scores, false),
    listens: ["node/add", "node/label"],
    mayHelp({ pod }, change) {
      if (change.resource !== "node" || change.next === undefined) return true;
      const takes = (node: Node): boolean => (enforced === undefined || matchesSelector(enforced, node)) && matchesNode(pod, node);
      return takes(change.next) && (change.previous === undefined || !takes(change.previous));
    },
  };
}

function required(pod: Pod): NodeSelector | undefined {
  return pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
}

/** The nodes that the terms name, when each term names some; undefined: any node may do. */
function namedNodes(pod: Pod): ReadonlySet<string> | undefined {
  const terms = required(pod)?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In").map(({ values = [] }) => values);
    const [first, ...others] = named;
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((names) => names.includes(name))) all.add(name);
  }
  return all;
}

/** Whether a node is one that the pod requires. @upstream component-helpers/scheduling/corev1/nodeaffinity GetRequiredNodeAffinity */
export function matchesNode(pod: Pod, node: Node): boolean {
  const { nodeSelector } = pod.spec;
  const labels = node.metadata.labels ?? {};
  for (const key in nodeSelector) if (labels[key] !== nodeSelector[key]) return false;
  const selector = required(pod);
  return selector === undefined || matchesSelector(selector, node);
}

/** Whether the pod has any requirement of that sort. */
export function requiresNode(pod: Pod): boolean {
  return Object.keys(pod.spec.nodeSelector ?? {}).length > 0 || required(pod) !== undefined;
}

export function matchesSelector({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => matchesTerm(term, node.metadata.labels ?? {}, node.metadata.name));
}

/** A term without requirements matches nothing. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, labels: Labels, name: string | undefined): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((wanted) => matchesRequirement(wanted, labels[wanted.key])) &&
    matchFields.every((wanted) => matchesRequirement(wanted, wanted.key === "metadata.name" ? name : undefined))
  );
}

function matchesRequirement({ operator, values = [] }: NodeSelectorRequirement, actual: string | undefined): boolean {
  switch (operator) {
    case "In":
      return actual !== undefined && values.includes(actual);
    case "NotIn":
      return actual === undefined || !values.includes(actual);
    case "Exists":
      return actual !== undefined;
    case "DoesNotExist":
      return actual === undefined;
    default: {
      const have = wholeNumber(actual);
      const bound = wholeNumber(values[0]);
      if (have === undefined || bound === undefined) return false;
      return operator === "Gt" ? have > bound : operator === "Lt" && have < bound;
    }
  }
}
