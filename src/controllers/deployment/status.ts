import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { findCondition, withCondition } from "../conditions.ts";
import { omitZero } from "../omit-zero.ts";
import { desired, fenceposts, hasProgressDeadline, totalSize } from "./replica-sets.ts";
import type { Rollout } from "./rollout.ts";

type Count = "replicas" | "readyReplicas" | "availableReplicas";

const sum = (sets: readonly ReplicaSet[], field: Count): number => sets.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);

/** Counts from the sets' statuses, and whether enough is available. @upstream pkg/controller/deployment/sync.go calculateStatus */
export function countReplicas(rollout: Rollout): void {
  const { deployment, sets, newSet } = rollout;
  const available = sum(sets, "availableReplicas");
  rollout.status = {
    observedGeneration: deployment.metadata.generation,
    replicas: omitZero(sum(sets, "replicas")),
    updatedReplicas: omitZero(newSet?.status?.replicas ?? 0),
    readyReplicas: omitZero(sum(sets, "readyReplicas")),
    availableReplicas: omitZero(available),
    unavailableReplicas: omitZero(Math.max(0, totalSize(sets) - available)),
    terminatingReplicas: terminating(sets),
    collisionCount: rollout.status.collisionCount,
    conditions: rollout.status.conditions,
  };
  if (available >= desired(deployment) - fenceposts(deployment).maxUnavailable) {
    rollout.setCondition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.");
  } else {
    rollout.setCondition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.");
  }
}

/** Unknown as long as one set does not tell. */
function terminating(sets: readonly ReplicaSet[]): number | undefined {
  let total = 0;
  for (const { status } of sets) {
    if (status?.terminatingReplicas === undefined) return undefined;
    total += status.terminatingReplicas;
  }
  return total;
}

/** All that is wanted runs, is of the current template and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = desired(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Judges the rollout's progress after the counts are taken; `before` is the status as it was. @upstream pkg/controller/deployment/progress.go syncRolloutStatus */
export function judgeProgress(rollout: Rollout, before: DeploymentStatus): void {
  const { deployment, status } = rollout;
  const current = rollout.progressing();
  if (!hasProgressDeadline(deployment)) rollout.removeCondition("Progressing");
  else if (!((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === "NewReplicaSetAvailable")) {
    if (isComplete(deployment, status)) rollout.setCondition("Progressing", "True", "NewReplicaSetAvailable", sentence(rollout, "has successfully progressed."));
    else if (hasProgressed(before, status)) {
      // The update time moves with every sign of progress: the deadline counts from it.
      rollout.removeCondition("Progressing");
      rollout.setCondition("Progressing", "True", "ReplicaSetUpdated", sentence(rollout, "is progressing."));
      keepTransition(rollout, current);
    } else if (isTimedOut(deployment, current, rollout.nowMs)) {
      rollout.setCondition("Progressing", "False", "ProgressDeadlineExceeded", sentence(rollout, "has timed out progressing."));
    }
  }
  reportFailure(rollout);
}

function keepTransition(rollout: Rollout, previous: DeploymentCondition | undefined): void {
  if (previous?.status !== "True") return;
  const conditions = rollout.status.conditions ?? [];
  rollout.setConditions(conditions.map((each) => (each.type === "Progressing" ? { ...each, lastTransitionTime: previous.lastTransitionTime } : each)));
}

function sentence({ deployment, newSet }: Rollout, what: string): string {
  return newSet === undefined ? `Deployment ${JSON.stringify(deployment.metadata.name)} ${what}` : `ReplicaSet ${JSON.stringify(newSet.metadata.name)} ${what}`;
}

function isTimedOut(deployment: Deployment, progressing: DeploymentCondition | undefined, nowMs: number): boolean {
  if (progressing === undefined || progressing.reason === "NewReplicaSetAvailable") return false;
  return progressing.reason === "ProgressDeadlineExceeded" || deadlineMs(deployment, progressing) < nowMs;
}

/** When the rollout counts as stuck unless something moves, in milliseconds since the epoch. */
function deadlineMs(deployment: Deployment, progressing: DeploymentCondition): number {
  return Date.parse(progressing.lastUpdateTime ?? "1970-01-01T00:00:00Z") + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** A set that cannot make its pods says so; the newest is asked first. */
function reportFailure(rollout: Rollout): void {
  const failures = [...(rollout.newSet === undefined ? [] : [rollout.newSet]), ...rollout.oldSets]
    .map((set) => findCondition(set.status?.conditions, "ReplicaFailure"))
    .filter((condition) => condition !== undefined);
  const first = failures[0];
  if (first === undefined) rollout.removeCondition("ReplicaFailure");
  else rollout.setConditions(withCondition(rollout.status.conditions, { ...first, lastUpdateTime: first.lastTransitionTime }));
}

/** Milliseconds until the progress deadline must be looked at; undefined when it cannot pass. */
export function deadlineCheckMs(rollout: Rollout): number | undefined {
  const progressing = rollout.progressing();
  const { deployment, status, nowMs } = rollout;
  if (!hasProgressDeadline(deployment) || progressing === undefined || isComplete(deployment, status)) return undefined;
  if (progressing.reason === "ProgressDeadlineExceeded" || progressing.reason === "NewReplicaSetAvailable") return undefined;
  return Math.max(1000, deadlineMs(deployment, progressing) - nowMs + 1000);
}
