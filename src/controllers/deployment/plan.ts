import type { DeploymentStatus } from "../../api/generated/types/apps-v1.ts";
import { revisionOf } from "./annotations.ts";
import { syncNewSet } from "./new-replica-set.ts";
import { isScalingEvent, scaleRollout } from "./proportional-scale.ts";
import { active, desired, hasHistoryLimit, hasProgressDeadline, isRolling, size } from "./replica-sets.ts";
import { rollOn } from "./rolling-update.ts";
import { Rollout } from "./rollout.ts";
import type { RolloutState, Step } from "./rollout.ts";
import { countReplicas, deadlineCheckMs, isComplete, judgeProgress } from "./status.ts";

export interface RolloutPlan {
  /** To be done in order; when one fails, the rest and the status wait for the next attempt. */
  readonly steps: readonly Step[];
  /** The whole status as it should stand after the steps. */
  readonly status: DeploymentStatus;
  /** The deployment's deployment.kubernetes.io/revision when it must change. */
  readonly revision: string | undefined;
  /** Look again after this long, so that a passed deadline is noticed. */
  readonly recheckMs: number | undefined;
}

/** One move of a deployment towards its template and size. @upstream pkg/controller/deployment/deployment_controller.go syncDeployment */
export function planRollout(state: RolloutState): RolloutPlan {
  const { deployment } = state;
  const rollout = new Rollout(state);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    countReplicas(rollout);
    return finish(rollout);
  }
  notePause(rollout);
  if (deployment.spec.paused === true || isScalingEvent(deployment, state.replicaSets)) {
    syncNewSet(rollout, false);
    scaleRollout(rollout);
    if (deployment.spec.paused === true) cleanHistory(rollout);
    countReplicas(rollout);
    return finish(rollout);
  }
  if (isRolling(deployment)) {
    syncNewSet(rollout, true);
    const moved = rollOn(rollout);
    if (!moved && isComplete(deployment, rollout.status)) cleanHistory(rollout);
  } else recreate(rollout, state.hasRunningPods);
  const before = rollout.status;
  countReplicas(rollout);
  judgeProgress(rollout, before);
  return finish(rollout);
}

function finish(rollout: Rollout): RolloutPlan {
  return { steps: rollout.steps, status: rollout.status, revision: rollout.revision, recheckMs: deadlineCheckMs(rollout) };
}

/** Pausing stops the deadline's clock; a rollout that had already run out of time stays so. */
function notePause(rollout: Rollout): void {
  if (!hasProgressDeadline(rollout.deployment)) return;
  const reason = rollout.progressing()?.reason;
  if (reason === "ProgressDeadlineExceeded") return;
  const paused = rollout.deployment.spec.paused === true;
  if (paused && reason !== "DeploymentPaused") rollout.setCondition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
  else if (!paused && reason === "DeploymentPaused") rollout.setCondition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
}

/** All of the old pods end before the first of the new ones starts. @upstream pkg/controller/deployment/recreate.go */
function recreate(rollout: Rollout, hasRunningPods: RolloutState["hasRunningPods"]): void {
  syncNewSet(rollout, false);
  const old = active(rollout.oldSets);
  if (old.length > 0) {
    for (const set of old) rollout.scale(set, 0);
    return;
  }
  const draining = rollout.oldSets.some((set) => (set.status?.replicas ?? 0) > 0 || hasRunningPods(set.metadata.uid ?? ""));
  if (draining) return;
  if (rollout.newSet === undefined) syncNewSet(rollout, true);
  const { newSet, deployment } = rollout;
  if (newSet !== undefined && size(newSet) !== desired(deployment)) rollout.scale(newSet, desired(deployment));
  if (isComplete(deployment, rollout.status)) cleanHistory(rollout);
}

/** Removes the oldest idle sets beyond revisionHistoryLimit. */
function cleanHistory(rollout: Rollout): void {
  const { deployment } = rollout;
  if (!hasHistoryLimit(deployment)) return;
  const alive = rollout.oldSets.filter((set) => set.metadata.deletionTimestamp === undefined).sort((a, b) => revisionOf(a) - revisionOf(b));
  const surplus = alive.length - (deployment.spec.revisionHistoryLimit ?? 0);
  for (const set of alive.slice(0, Math.max(0, surplus))) {
    const idle = (set.status?.replicas ?? 0) === 0 && size(set) === 0 && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0);
    if (idle) rollout.delete(set);
  }
}
