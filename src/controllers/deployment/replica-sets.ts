import type { Deployment, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { resolveIntOrPercent } from "../int-or-percent.ts";
import { withoutHashLabel } from "../template-hash.ts";

const noLimit = 2147483647;

export const desired = (deployment: Deployment): number => deployment.spec.replicas ?? 1;
export const size = (set: ReplicaSet): number => set.spec.replicas ?? 1;
export const totalSize = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + size(set), 0);
export const active = (sets: readonly ReplicaSet[]): readonly ReplicaSet[] => sets.filter((set) => size(set) > 0);

export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== "Recreate";

export function hasProgressDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== noLimit;
}

export function hasHistoryLimit(deployment: Deployment): boolean {
  const limit = deployment.spec.revisionHistoryLimit;
  return limit !== undefined && limit !== noLimit;
}

/**
 * How many pods may be too many and how many too few while rolling. Surge is rounded up, unavailable down; when both
 * come to 0 one may be unavailable, or nothing would ever move. @upstream pkg/controller/deployment/util/deployment_util.go ResolveFenceposts
 */
export function fenceposts(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = desired(deployment);
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = resolveIntOrPercent(rolling?.maxSurge, replicas, "up") ?? 0;
  let maxUnavailable = resolveIntOrPercent(rolling?.maxUnavailable, replicas, "down") ?? 0;
  if (maxSurge === 0 && maxUnavailable === 0) maxUnavailable = 1;
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** Oldest first; the name decides between those of one second. */
export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  const left = a.metadata.creationTimestamp ?? "";
  const right = b.metadata.creationTimestamp ?? "";
  if (left !== right) return left < right ? -1 : 1;
  const nameA = a.metadata.name ?? "";
  const nameB = b.metadata.name ?? "";
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

/** The oldest set with the deployment's template. There can be several after a hash collision in older clusters. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = withoutHashLabel(deployment.spec.template);
  return [...sets].sort(byCreation).find((set) => deepEqual(withoutHashLabel(set.spec.template), template));
}

/** How large the newest set may be now, given what all sets hold already. @upstream NewRSNewReplicas */
export function newSetSize(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  if (!isRolling(deployment)) return desired(deployment);
  const room = desired(deployment) + fenceposts(deployment).maxSurge - totalSize(sets);
  return room <= 0 ? current : current + Math.min(room, desired(deployment) - current);
}
