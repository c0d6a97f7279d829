import type { PersistentVolumeClaim, Pod, ResourceQuotaSpec } from "../generated/types/core-v1.ts";
import { podLimits, podRequests } from "../pod/pod-resources.ts";

/** Whether a quota counts only what its scopes name. */
export const isScoped = ({ scopes = [], scopeSelector }: ResourceQuotaSpec): boolean => scopes.length > 0 || scopeSelector !== undefined;

/** Whether the pod is of the kind that the quota's scopes name. */
export const podInScopes = (pod: Pod, spec: ResourceQuotaSpec): boolean => holdsAll(spec, (scope, operator, values) => podInScope(pod, scope, operator, values));

/** Whether the claim is. @upstream pkg/quota/v1/evaluator/core/persistent_volume_claims.go pvcMatchesScopeFunc */
export function claimInScopes(claim: PersistentVolumeClaim, spec: ResourceQuotaSpec): boolean {
  const { status } = claim;
  const classes = [claim.spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName];
  const names = classes.filter((name) => name !== undefined && name !== "");
  return holdsAll(spec, (scope, operator, values) => {
    if (scope !== "VolumeAttributesClass") return false;
    if (operator === "In") return names.some((name) => name !== undefined && values.includes(name));
    if (operator === "NotIn") return !names.some((name) => name !== undefined && values.includes(name));
    return operator === "DoesNotExist" ? names.length === 0 : names.length > 0;
  });
}

function holdsAll({ scopes = [], scopeSelector }: ResourceQuotaSpec, holds: (scope: string, operator: string, values: readonly string[]) => boolean): boolean {
  if (!scopes.every((scope) => holds(scope, "Exists", []))) return false;
  return (scopeSelector?.matchExpressions ?? []).every(({ scopeName, operator, values = [] }) => holds(scopeName, operator, values));
}

function podInScope(pod: Pod, scope: string, operator: string, values: readonly string[]): boolean {
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

/** What a pod must ask for not to be BestEffort. */
const plain = new Set(["cpu", "memory", "ephemeral-storage"]);

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
