import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../../api/generated/types/core-v1.ts";
import { normalizeByMax, type Plugin } from "../plugin.ts";

/** nodeSelector and node affinity. @upstream plugins/nodeaffinity */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  filter({ pod }, { node }) {
    if (node === undefined || matchesNode(pod, node)) return [];
    return [{ reason: "node(s) didn't match Pod's node affinity/selector", unresolvable: true }];
  },
  score({ pod }, { node }) {
    if (node === undefined) return 0;
    let sum = 0;
    for (const { weight, preference } of pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) if (matchesTerm(preference, node)) sum += weight;
    return sum;
  },
  normalize: (scores) => normalizeByMax(scores, false),
};

/** Whether a node is one that the pod requires. */
export function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** A term without requirements matches nothing. */
export function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((wanted) => matchesRequirement(wanted, labels[wanted.key])) &&
    matchFields.every((wanted) => matchesRequirement(wanted, wanted.key === "metadata.name" ? node.metadata.name : undefined))
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
    case "Gt":
    case "Lt": {
      const have = Number(actual);
      const bound = Number(values[0]);
      if (actual === undefined || !Number.isInteger(have) || !Number.isInteger(bound)) return false;
      return operator === "Gt" ? have > bound : have < bound;
    }
    default:
      return false;
  }
}
