import type { Deployment, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { desiredReplicasAnnotation, maxReplicasAnnotation, numberAnnotation } from "./annotations.ts";
import { active, byCreation, desired, fenceposts, isRolling, size, totalSize } from "./replica-sets.ts";
import type { Rollout } from "./rollout.ts";

/** Whether spec.replicas has changed since the sets were last sized. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return active(sets).some((set) => {
    const before = numberAnnotation(set, desiredReplicasAnnotation);
    return before !== undefined && before !== desired(deployment);
  });
}

/**
 * Follows a change of spec.replicas without rolling on: with one set that matters it takes the whole change; in the
 * middle of a rollout each set takes its share. @upstream pkg/controller/deployment/sync.go scale
 */
export function scaleRollout(rollout: Rollout): void {
  const { deployment } = rollout;
  const single = activeOrLatest(rollout);
  if (single !== undefined) {
    if (size(single) !== desired(deployment)) rollout.scale(single, desired(deployment));
    return;
  }
  if (isSaturated(deployment, rollout.newSet)) {
    for (const set of active(rollout.oldSets)) rollout.scale(set, 0);
    return;
  }
  if (!isRolling(deployment)) return;
  const sets = active(rollout.sets);
  const allowed = desired(deployment) > 0 ? desired(deployment) + fenceposts(deployment).maxSurge : 0;
  for (const [set, replicas] of proportions(deployment, sets, allowed - totalSize(sets))) rollout.scale(set, replicas);
}

/** The one set that a change of size concerns: the only active one, or the latest when none is. */
function activeOrLatest(rollout: Rollout): ReplicaSet | undefined {
  const sets = active(rollout.sets);
  if (sets.length === 1) return sets[0];
  return sets.length > 1 ? undefined : (rollout.newSet ?? rollout.oldSets.at(-1));
}

function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  const wanted = desired(deployment);
  return set !== undefined && size(set) === wanted && numberAnnotation(set, desiredReplicasAnnotation) === wanted && (set.status?.availableReplicas ?? 0) === wanted;
}

/**
 * Shares `change` out by size, the largest sets first (among equals the newer when growing, the older when shrinking);
 * what rounding leaves over goes to the first. `[[new, 9], [old, 6]]`.
 */
export function proportions(deployment: Deployment, sets: readonly ReplicaSet[], change: number): readonly (readonly [ReplicaSet, number])[] {
  const sorted = [...sets].sort((a, b) => size(b) - size(a) || (change > 0 ? byCreation(b, a) : byCreation(a, b)));
  let given = 0;
  const sizes = sorted.map((set) => {
    const share = change === 0 ? 0 : proportion(deployment, set, change, given);
    given += share;
    return size(set) + share;
  });
  return sorted.map((set, index) => {
    const own = sizes[index] ?? 0;
    return [set, index === 0 && change !== 0 ? Math.max(0, own + change - given) : own] as const;
  });
}

function proportion(deployment: Deployment, set: ReplicaSet, change: number, given: number): number {
  if (size(set) === 0 || change === given) return 0;
  const share = fraction(deployment, set);
  const left = change - given;
  return change > 0 ? Math.min(share, left) : Math.max(share, left);
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const current = size(set);
  if (desired(deployment) === 0) return -current;
  const before = numberAnnotation(set, maxReplicasAnnotation) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const share = (current * (desired(deployment) + fenceposts(deployment).maxSurge)) / before;
  return Math.round(share) - current;
}
