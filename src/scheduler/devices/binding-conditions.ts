import type { DeviceRequestAllocationResult, ResourceClaim } from "../../api/generated/types/resource-v1.ts";
import type { Condition } from "../../meta/generated/meta-v1.ts";

/** For so long devices may get ready after they were given to a claim. @upstream DynamicResourcesArgs.bindingTimeout */
export const BINDING_TIMEOUT_MS = 600_000;

/** `failed` says why the devices will not do. */
export type Readiness = "ready" | "waiting" | { readonly failed: string };

function resultsOf({ status }: ResourceClaim): readonly DeviceRequestAllocationResult[] {
  return status?.allocation?.devices?.results ?? [];
}

/** Whether devices have to get ready before a pod may be bound. */
export function hasBindingConditions(claim: ResourceClaim): boolean {
  return resultsOf(claim).some(({ bindingConditions = [] }) => bindingConditions.length > 0);
}

/** Conditions of devices as their driver reports them in the claim. @upstream dynamicresources.go isClaimReadyForBinding */
export function bindingReadiness(claim: ResourceClaim): Readiness {
  if (claim.status?.allocation === undefined) return "waiting";
  for (const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [] } of resultsOf(claim)) {
    if (bindingConditions.length === 0) continue;
    const status = claim.status.devices?.find((each) => each.driver === driver && each.pool === pool && each.device === device);
    if (status === undefined) return "waiting";
    const met = (type: string): Condition | undefined => status.conditions?.find((condition) => condition.type === type && condition.status === "True");
    for (const type of bindingFailureConditions) {
      const failure = met(type);
      if (failure !== undefined) return { failed: `claim ${claim.metadata.name ?? ""} binding failed: reason=${failure.reason}, message=${JSON.stringify(failure.message)}` };
    }
    if (!bindingConditions.every((type) => met(type) !== undefined)) return "waiting";
  }
  return "ready";
}

/** Whether the devices had all the time they may take. */
export function isBindingOverdue(claim: ResourceClaim, nowMs: number): boolean {
  const since = claim.status?.allocation?.allocationTimestamp;
  return since !== undefined && hasBindingConditions(claim) && Date.parse(since) + BINDING_TIMEOUT_MS < nowMs;
}
