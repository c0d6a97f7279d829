import type { Job, PodFailurePolicyRule } from "../../api/generated/types/batch-v1.ts";
import type { ContainerStatus, Pod } from "../../api/generated/types/core-v1.ts";

export type FailureAction = "FailJob" | "FailIndex" | "Ignore" | "Count";

export interface FailureMatch {
  readonly action: FailureAction;
  /** Why the job fails; only of FailJob. */
  readonly message?: string;
}

/** What the job's policy says of a failed pod: the first rule that matches, else it counts. @upstream pkg/controller/job/pod_failure_policy.go */
export function matchFailurePolicy(job: Job, pod: Pod): FailureMatch {
  return matchRules(job, pod) ?? { action: "Count" };
}

/** Undefined when no rule is about the pod. */
export function matchRules(job: Job, pod: Pod): FailureMatch | undefined {
  const { rules = [] } = job.spec.podFailurePolicy ?? {};
  for (const [index, rule] of rules.entries()) {
    const message = matchRule(rule, pod, index);
    if (message === undefined) continue;
    // FailIndex means nothing for a job that does not count per index.
    if (rule.action === "FailIndex" && job.spec.backoffLimitPerIndex === undefined) return { action: "Count" };
    return rule.action === "FailJob" ? { action: "FailJob", message } : { action: rule.action as FailureAction };
  }
  return undefined;
}

function matchRule(rule: PodFailurePolicyRule, pod: Pod, index: number): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes !== undefined) {
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const found = statuses.find((status) => (onExitCodes.containerName ?? status.name) === status.name && matchesExit(status, onExitCodes.operator, onExitCodes.values));
    if (found !== undefined)
      return `Container ${found.name} for pod ${name} failed with exit code ${found.state?.terminated?.exitCode} matching ${rule.action} rule at index ${index}`;
    return undefined;
  }
  for (const pattern of onPodConditions ?? []) {
    const found = pod.status?.conditions?.find(({ type, status }) => type === pattern.type && status === (pattern.status ?? "True"));
    if (found !== undefined) return `Pod ${name} has condition ${found.type} matching ${rule.action} rule at index ${index}`;
  }
  return undefined;
}

/** A container that ended well never matches. */
function matchesExit({ state }: ContainerStatus, operator: string, values: readonly number[]): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0) return false;
  return operator === "In" ? values.includes(code) : !values.includes(code);
}
