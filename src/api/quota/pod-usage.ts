import { Quantity } from "../../meta/quantity.ts";
import type { Pod, ResourceQuotaSpec } from "../generated/types/core-v1.ts";
import { podLimits, podRequests } from "../pod/pod-resources.ts";

export type Usage = ReadonlyMap<string, Quantity>;

/** Resources of a pod that also count under their plain name. */
const plain = new Set(["cpu", "memory", "ephemeral-storage"]);

/** What one pod takes of a quota; a finished one only its place among the objects. @upstream pkg/quota/v1/evaluator/core/pods.go */
export function podUsage(pod: Pod, nowMs: number): Usage {
  const usage = new Map<string, Quantity>([["count/pods", Quantity.of(1)]]);
  if (isFinished(pod) || isOverdue(pod, nowMs)) return usage;
  usage.set("pods", Quantity.of(1));
  for (const [name, amount] of podRequests(pod.spec)) {
    usage.set(`requests.${name}`, amount);
    if (plain.has(name) || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of podLimits(pod.spec)) if (plain.has(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

function isFinished({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Deleted, and its grace is over: its node is likely gone. */
function isOverdue({ metadata: { deletionTimestamp, deletionGracePeriodSeconds = 0 } }: Pod, nowMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 < nowMs;
}

/** Whether the pod is of the kind that the quota's scopes name. */
export function inScopes(pod: Pod, { scopes = [], scopeSelector }: ResourceQuotaSpec): boolean {
  if (!scopes.every((scope) => inScope(pod, scope, "Exists", []))) return false;
  return (scopeSelector?.matchExpressions ?? []).every(({ scopeName, operator, values = [] }) => inScope(pod, scopeName, operator, values));
}

function inScope(pod: Pod, scope: string, operator: string, values: readonly string[]): boolean {
  const { spec, status } = pod;
  switch (scope) {
    case "Terminating":
      return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
    case "NotTerminating":
      return spec.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return isBestEffort(pod, status?.qosClass);
    case "NotBestEffort":
      return !isBestEffort(pod, status?.qosClass);
    case "PriorityClass":
      return matchesPriority(spec.priorityClassName ?? "", operator, values);
    case "CrossNamespacePodAffinity":
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function isBestEffort({ spec }: Pod, qosClass: string | undefined): boolean {
  if (qosClass !== undefined && qosClass !== "") return qosClass === "BestEffort";
  return ![...podRequests(spec), ...podLimits(spec)].some(([name, amount]) => plain.has(name) && !amount.isZero);
}

function matchesPriority(name: string, operator: string, values: readonly string[]): boolean {
  if (operator === "In") return values.includes(name);
  if (operator === "NotIn") return !values.includes(name);
  return operator === "DoesNotExist" ? name === "" : name !== "";
}

function crossesNamespaces({ spec: { affinity } }: Pod): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined);
}
