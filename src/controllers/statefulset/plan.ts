import type { StatefulSet, StatefulSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import { resolveIntOrPercent } from "../int-or-percent.ts";
import { omitZero } from "../omit-zero.ts";
import { isPodAvailable, isPodReady } from "../pods/pod-state.ts";
import { ordinalOf, replicasOf, repairedPod, revisionOf, startOf } from "./identity.ts";

export interface StatefulRevision {
  readonly name: string;
  readonly template: PodTemplateSpec;
}

export interface StatefulState {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  /** The revision that pods were all of before the update began. */
  readonly current: StatefulRevision;
  readonly update: StatefulRevision;
  /** Whether the cache shows all that was done before; until then nothing is done, only counted. */
  readonly settled: boolean;
  readonly nowMs: number;
}

export type StatefulStep =
  | { readonly type: "create"; readonly ordinal: number; readonly from: StatefulRevision }
  /** `why` is set when the pod is made anew rather than scaled away or updated. */
  | { readonly type: "delete"; readonly pod: Pod; readonly why?: "failed" | "terminated" }
  | { readonly type: "repair"; readonly ordinal: number; readonly pod: Pod }
  /** A pod waits for claims that may have been deleted. */
  | { readonly type: "claims"; readonly ordinal: number };

export interface StatefulPlan {
  readonly steps: readonly StatefulStep[];
  readonly status: StatefulSetStatus;
  /** Pods beyond the wanted ordinals. */
  readonly condemned: readonly Pod[];
}

const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/**
 * The next moves of a stateful set: one pod after another in order, or all at once with podManagementPolicy Parallel;
 * first the wanted ones exist, then those beyond go, then old revisions are replaced from the highest ordinal down.
 * @upstream pkg/controller/statefulset/stateful_set_control.go updateStatefulSet
 */
export function planStateful(state: StatefulState): StatefulPlan {
  const { set } = state;
  const parallel = set.spec.podManagementPolicy === "Parallel";
  const first = startOf(set);
  const end = first + replicasOf(set);
  const byOrdinal = new Map<number, Pod>();
  const condemned: Pod[] = [];
  for (const pod of state.pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= first && ordinal < end) byOrdinal.set(ordinal, pod);
    else condemned.push(pod);
  }
  condemned.sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
  const ordinals = Array.from({ length: end - first }, (_, index) => first + index);
  const steps: StatefulStep[] = [];
  if (state.settled && set.metadata.deletionTimestamp === undefined) {
    const blocked = fill(state, { ordinals, byOrdinal, parallel }, steps);
    if (!blocked && !removeCondemned(state, { condemned, byOrdinal, ordinals, parallel }, steps)) rollOn(state, ordinals, byOrdinal, steps);
  }
  return { steps, status: statusAfter(state, steps), condemned };
}

const available = ({ set, nowMs }: StatefulState, pod: Pod): boolean => pod.status?.phase === "Running" && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
const runningAndReady = (pod: Pod): boolean => pod.status?.phase === "Running" && isPodReady(pod);

/** Every wanted ordinal has a healthy pod; true when the set must wait for one. */
function fill(
  state: StatefulState,
  pods: { readonly ordinals: readonly number[]; readonly byOrdinal: ReadonlyMap<number, Pod>; readonly parallel: boolean },
  steps: StatefulStep[],
): boolean {
  let waiting = false;
  for (const ordinal of pods.ordinals) {
    const pod = pods.byOrdinal.get(ordinal);
    if (pod === undefined) {
      steps.push({ type: "create", ordinal, from: revisionFor(state, ordinal) });
      if (!pods.parallel) return true;
      continue;
    }
    const phase = pod.status?.phase;
    if (phase === "Failed" || phase === "Succeeded") {
      if (!isTerminating(pod)) steps.push({ type: "delete", pod, why: phase === "Failed" ? "failed" : "terminated" });
      if (!pods.parallel) return true;
      waiting = true;
      continue;
    }
    if (phase === "Pending" && !isTerminating(pod) && (state.set.spec.volumeClaimTemplates ?? []).length > 0) steps.push({ type: "claims", ordinal });
    if (!pods.parallel && (isTerminating(pod) || !available(state, pod))) return true;
    if (!isTerminating(pod) && repairedPod(state.set, ordinal, pod) !== undefined) steps.push({ type: "repair", ordinal, pod });
  }
  return waiting;
}

/** Pods below the partition, or that the update has not reached, stay with the old revision. */
function revisionFor({ set, current, update }: StatefulState, ordinal: number): StatefulRevision {
  if (set.spec.updateStrategy?.type === "OnDelete") return update;
  const { rollingUpdate } = set.spec.updateStrategy ?? {};
  const old = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
  return ordinal < startOf(set) + old ? current : update;
}

/** From the highest ordinal down; true when the set must wait for one to be gone. */
function removeCondemned(
  state: StatefulState,
  pods: { readonly condemned: readonly Pod[]; readonly byOrdinal: ReadonlyMap<number, Pod>; readonly ordinals: readonly number[]; readonly parallel: boolean },
  steps: StatefulStep[],
): boolean {
  const { set } = state;
  const all = [...pods.ordinals.map((ordinal) => pods.byOrdinal.get(ordinal)), ...[...pods.condemned].reverse()].filter((pod) => pod !== undefined);
  const firstUnhealthy = all.find((pod) => !runningAndReady(pod) || isTerminating(pod));
  for (const pod of pods.condemned) {
    if (isTerminating(pod)) {
      if (!pods.parallel) return true;
      continue;
    }
    // An unhealthy pod below must come up before the set shrinks further, unless it is this very one.
    if (!pods.parallel && pod !== firstUnhealthy && (!runningAndReady(pod) || !isPodAvailable(pod, set.spec.minReadySeconds ?? 0, state.nowMs))) return true;
    steps.push({ type: "delete", pod });
    if (!pods.parallel) return true;
  }
  return false;
}

/** One pod at a time, or as many as maxUnavailable allows, from the highest ordinal down to the partition. */
function rollOn(state: StatefulState, ordinals: readonly number[], byOrdinal: ReadonlyMap<number, Pod>, steps: StatefulStep[]): void {
  const { set, update } = state;
  if (set.spec.updateStrategy?.type === "OnDelete") return;
  const { rollingUpdate } = set.spec.updateStrategy ?? {};
  const partition = rollingUpdate?.partition ?? 0;
  const maxUnavailable = Math.max(1, resolveIntOrPercent(rollingUpdate?.maxUnavailable, replicasOf(set), "down") ?? 1);
  const descending = [...ordinals].reverse();
  const isOut = (ordinal: number): boolean => {
    const pod = byOrdinal.get(ordinal);
    return pod === undefined || isTerminating(pod) || !available(state, pod);
  };
  const isOld = (pod: Pod): boolean => revisionOf(pod) !== update.name;
  if (maxUnavailable === 1) {
    for (const ordinal of descending.slice(0, Math.max(0, descending.length - partition))) {
      const pod = byOrdinal.get(ordinal);
      if (pod === undefined) return;
      if (isOld(pod) && !isTerminating(pod)) {
        steps.push({ type: "delete", pod });
        return;
      }
      if (isOut(ordinal)) return;
    }
    return;
  }
  let left = maxUnavailable - descending.filter(isOut).length;
  for (const ordinal of descending.slice(0, Math.max(0, descending.length - partition))) {
    if (left <= 0) return;
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || !isOld(pod) || isTerminating(pod)) continue;
    steps.push({ type: "delete", pod });
    left -= 1;
  }
}

/** The counts once the steps are done, and the current revision when the update is complete. */
function statusAfter(state: StatefulState, steps: readonly StatefulStep[]): StatefulSetStatus {
  const { set, current, update } = state;
  const doomed = new Set(steps.filter((step) => step.type === "delete").map(({ pod }) => pod));
  const count = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
  const note = (revision: string): void => {
    if (revision === current.name) count.current += 1;
    if (revision === update.name) count.updated += 1;
  };
  for (const pod of state.pods) {
    if (ordinalOf(set, pod) === undefined || (pod.status?.phase ?? "") === "") continue;
    count.replicas += 1;
    if (runningAndReady(pod)) {
      count.ready += 1;
      if (available(state, pod)) count.available += 1;
    }
    if (!isTerminating(pod) && !doomed.has(pod)) note(revisionOf(pod));
  }
  for (const step of steps) {
    if (step.type !== "create") continue;
    count.replicas += 1;
    note(step.from.name);
  }
  const complete = set.spec.updateStrategy?.type !== "OnDelete" && count.updated === count.replicas && count.ready === count.replicas && count.replicas === replicasOf(set);
  return {
    replicas: count.replicas,
    readyReplicas: omitZero(count.ready),
    availableReplicas: count.available,
    currentReplicas: omitZero(complete ? count.updated : count.current),
    updatedReplicas: omitZero(count.updated),
    currentRevision: complete ? update.name : current.name,
    updateRevision: update.name,
    observedGeneration: set.metadata.generation,
    collisionCount: set.status?.collisionCount ?? 0,
    conditions: set.status?.conditions,
  };
}
