import type { PodCondition, PodStatus } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { ownedConditions } from "./pod-conditions.ts";

/**
 * The strategic merge patch that turns one status into another, or undefined when there is nothing to do. Conditions
 * of others are left alone. Example: `{phase: "Running", conditions: [{type: "Ready", status: "True", …}], reason: null}`.
 */
export function statusPatch(from: PodStatus, to: PodStatus): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  const before = from as Readonly<Record<string, unknown>>;
  const after = to as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(after)) {
    if (after[key] === undefined || deepEqual(before[key], after[key])) continue;
    if (key === "conditions") {
      const changed = changedConditions(from.conditions ?? [], to.conditions ?? []);
      if (changed.length > 0) patch[key] = changed;
    } else if (key === "podIPs" || key === "hostIPs") patch[key] = mergedByIp(before[key], after[key]);
    else patch[key] = after[key];
  }
  // Fields that others keep here are none of ours to remove.
  for (const key of ["reason", "message", "podIP", "podIPs", "initContainerStatuses", "ephemeralContainerStatuses"]) {
    if (before[key] !== undefined && after[key] === undefined) patch[key] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function changedConditions(from: readonly PodCondition[], to: readonly PodCondition[]): readonly unknown[] {
  const gone = from.filter(({ type }) => ownedConditions.includes(type) && !to.some((condition) => condition.type === type)).map(({ type }) => ({ type, $patch: "delete" }));
  const changed = to
    .filter((condition) => ownedConditions.includes(condition.type) || condition.type === "DisruptionTarget")
    .flatMap((condition) => {
      const before = from.find(({ type }) => type === condition.type);
      if (deepEqual(before, condition)) return [];
      // What is merged by type keeps its fields unless they are named.
      const dropped = Object.keys(before ?? {}).filter((field) => (condition as unknown as Record<string, unknown>)[field] === undefined);
      return [{ ...condition, ...Object.fromEntries(dropped.map((field) => [field, null])) }];
    });
  return [...changed, ...gone];
}

function mergedByIp(from: unknown, to: unknown): readonly unknown[] {
  const before = (from ?? []) as readonly { readonly ip?: string }[];
  const after = (to ?? []) as readonly { readonly ip?: string }[];
  return [...after, ...before.filter(({ ip }) => !after.some((entry) => entry.ip === ip)).map(({ ip }) => ({ ip, $patch: "delete" }))];
}
