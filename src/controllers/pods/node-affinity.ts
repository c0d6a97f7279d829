import type { Node, NodeSelector, NodeSelectorRequirement, PodSpec } from "../../api/generated/types/core-v1.ts";

/** Whether a node satisfies the pod's nodeSelector and its required node affinity. @upstream component-helpers/scheduling/corev1/nodeaffinity */
export function fitsNode(spec: Pick<PodSpec, "nodeSelector" | "affinity">, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || selectsNode(required, node);
}

/** Any term will do; a term without requirements selects nothing. */
export function selectsNode({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  const fields = { "metadata.name": node.metadata.name ?? "" };
  return nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    return matchExpressions.every((each) => meets(each, node.metadata.labels ?? {})) && matchFields.every((each) => meets(each, fields));
  });
}

function meets({ key, operator, values = [] }: NodeSelectorRequirement, labels: { readonly [key: string]: string }): boolean {
  const value = labels[key];
  const [bound = ""] = values;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      const whole = /^-?[0-9]+$/;
      if (value === undefined || !whole.test(value) || !whole.test(bound)) return false;
      return operator === "Gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
    default:
      return false;
  }
}
