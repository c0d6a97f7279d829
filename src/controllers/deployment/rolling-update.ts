import { active, desired, fenceposts, newSetSize, size, totalSize } from "./replica-sets.ts";
import type { Rollout } from "./rollout.ts";

/** Moves a rolling update one step: the new set up if there is room, else the old ones down. Whether anything moved. @upstream pkg/controller/deployment/rolling.go */
export function rollOn(rollout: Rollout): boolean {
  return growNew(rollout) || shrinkOld(rollout);
}

function growNew(rollout: Rollout): boolean {
  const { deployment, newSet } = rollout;
  if (newSet === undefined || size(newSet) === desired(deployment)) return false;
  const target = size(newSet) > desired(deployment) ? desired(deployment) : newSetSize(deployment, rollout.sets, size(newSet));
  return target !== size(newSet) && rollout.scale(newSet, target);
}

function shrinkOld(rollout: Rollout): boolean {
  const { deployment, newSet } = rollout;
  if (totalSize(rollout.oldSets) === 0) return false;
  const minAvailable = desired(deployment) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = newSet === undefined ? 0 : size(newSet) - (newSet.status?.availableReplicas ?? 0);
  const most = totalSize(rollout.sets) - minAvailable - newUnavailable;
  if (most <= 0) return false;
  const unhealthy = removeUnhealthy(rollout, most);
  return removeAvailable(rollout, minAvailable) + unhealthy > 0;
}

/** Pods that do not serve anyway go first; they cost no availability. */
function removeUnhealthy(rollout: Rollout, most: number): number {
  let removed = 0;
  for (const set of active(rollout.oldSets)) {
    if (removed >= most) break;
    const unavailable = size(set) - (set.status?.availableReplicas ?? 0);
    if (unavailable <= 0) continue;
    const count = Math.min(most - removed, unavailable);
    rollout.scale(set, size(set) - count);
    removed += count;
  }
  return removed;
}

function removeAvailable(rollout: Rollout, minAvailable: number): number {
  const available = rollout.sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
  const most = available - minAvailable;
  let removed = 0;
  for (const set of active(rollout.oldSets)) {
    if (removed >= most) break;
    const count = Math.min(size(set), most - removed);
    rollout.scale(set, size(set) - count);
    removed += count;
  }
  return removed;
}
