import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/generated/types/policy-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Condition } from "../../meta/generated/meta-v1.ts";
import { withCondition } from "../conditions.ts";
import { resolveIntOrPercent } from "../int-or-percent.ts";
import { isPodReady, isPodTerminal } from "../pods/pod-state.ts";

/** An eviction that did not lead to a deletion within this time counts no more. */
const evictionTimeoutMs = 2 * 60_000;

export interface BudgetState {
  readonly budget: PodDisruptionBudget;
  /** What the budget's selector finds. */
  readonly pods: readonly Pod[];
  /** The sum of the sizes of the pods' controllers; undefined when the budget counts in pods only. */
  readonly scale: number | undefined;
  readonly nowMs: number;
}

/** Whether the budget needs to know how large the pods' controllers are. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === "string";
}

/** How many pods may be evicted now. @upstream pkg/controller/disruption/disruption.go trySync */
export function budgetStatus(state: BudgetState): { readonly status: PodDisruptionBudgetStatus; readonly recheckMs: number | undefined } {
  const { budget, nowMs } = state;
  const pods = state.pods.filter((pod) => !isPodTerminal(pod));
  const { expected, desired } = expectation(state, pods.length);
  const { disrupted, recheckMs } = stillDisrupted(budget, pods, nowMs);
  const healthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name ?? ""] === undefined && isPodReady(pod)).length;
  const allowed = expected <= 0 || healthy <= desired ? 0 : healthy - desired;
  const status: PodDisruptionBudgetStatus = {
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    observedGeneration: budget.metadata.generation,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    conditions: withAllowed(budget, allowed > 0 ? "SufficientPods" : "InsufficientPods", "", nowMs),
  };
  return { status, recheckMs };
}

/** Nothing may be evicted while it is not known how many pods there should be. @upstream disruption.go failSafe */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  const counts = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...budget.status };
  return { ...counts, disruptionsAllowed: 0, observedGeneration: budget.metadata.generation, conditions: withAllowed(budget, "SyncFailed", message, nowMs) };
}

function expectation({ budget, scale }: BudgetState, podCount: number): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = budget.spec;
  if (maxUnavailable !== undefined) {
    const expected = scale ?? podCount;
    return { expected, desired: Math.max(0, expected - (resolveIntOrPercent(maxUnavailable, expected, "up") ?? 0)) };
  }
  if (typeof minAvailable === "string") {
    const expected = scale ?? podCount;
    return { expected, desired: resolveIntOrPercent(minAvailable, expected, "up") ?? expected };
  }
  return { expected: podCount, desired: minAvailable ?? 1 };
}

/** Evicted pods that are not deleted yet: they count as down. */
function stillDisrupted(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): { readonly disrupted: Readonly<Record<string, string>>; readonly recheckMs: number | undefined } {
  const disrupted: Record<string, string> = {};
  let recheckMs: number | undefined;
  for (const [name, since] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const leftMs = Date.parse(since) + evictionTimeoutMs - nowMs;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || leftMs < 0) continue;
    disrupted[name] = since;
    recheckMs = Math.min(recheckMs ?? leftMs, leftMs);
  }
  return { disrupted, recheckMs: recheckMs === undefined ? undefined : recheckMs + 1 };
}

function withAllowed(budget: PodDisruptionBudget, reason: string, message: string, nowMs: number): readonly Condition[] {
  const { generation } = budget.metadata;
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: reason === "SufficientPods" ? "True" : "False",
    reason,
    message,
    lastTransitionTime: rfc3339(nowMs),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return withCondition(budget.status?.conditions, condition).map((each) => (each.type === condition.type ? { ...each, observedGeneration: condition.observedGeneration } : each));
}
