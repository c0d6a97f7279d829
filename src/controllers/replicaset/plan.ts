import type { ReplicaSetCondition, ReplicaSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { findCondition, withCondition, withoutCondition } from "../conditions.ts";
import { omitZero } from "../omit-zero.ts";
import { rankForDeletion } from "../pods/deletion-rank.ts";
import { isPodActive, isPodAvailable, isPodReady, isPodTerminal, isPodTerminating, readySinceMs } from "../pods/pod-state.ts";

/** At most so many pods are made or removed in one go. */
export const burstReplicas = 500;

export interface ReplicaPlan {
  /** How many pods to make. */
  readonly create: number;
  /** Which pods to delete. */
  readonly remove: readonly Pod[];
}

/**
 * What brings the number of active pods to `replicas`. `related` are the active pods of all sets of the same owner: a
 * node that carries many of them gives one up first. @upstream pkg/controller/replicaset/replica_set.go manageReplicas
 */
export function planReplicas(state: { readonly replicas: number; readonly pods: readonly Pod[]; readonly related: () => readonly Pod[]; readonly nowMs: number }): ReplicaPlan {
  const active = state.pods.filter(isPodActive);
  const surplus = active.length - state.replicas;
  if (surplus === 0) return { create: 0, remove: [] };
  if (surplus < 0) return { create: Math.min(-surplus, burstReplicas), remove: [] };
  if (surplus >= active.length) return { create: 0, remove: active.slice(0, burstReplicas) };
  const perNode = new Map<string, number>();
  for (const pod of state.related()) {
    const node = pod.spec.nodeName ?? "";
    if (isPodActive(pod)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const ranked = rankForDeletion(active, (pod) => perNode.get(pod.spec.nodeName ?? "") ?? 0, state.nowMs);
  return { create: 0, remove: ranked.slice(0, Math.min(surplus, burstReplicas)) };
}

/** Whether a pod now counts differently: where it runs and what its containers do is nothing to its set. */
export function changesCounts(previous: Pod, pod: Pod): boolean {
  return (
    isPodTerminal(previous) !== isPodTerminal(pod) ||
    previous.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    isPodReady(previous) !== isPodReady(pod) ||
    readySinceMs(previous) !== readySinceMs(pod) ||
    !deepEqual(previous.metadata.labels, pod.metadata.labels)
  );
}

/** Why the last attempt to make or remove pods failed. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** The status of a set that owns `pods`. @upstream pkg/controller/replicaset/replica_set_utils.go calculateStatus */
export function replicaStatus(state: {
  readonly generation: number | undefined;
  readonly minReadySeconds: number;
  readonly template: PodTemplateSpec | undefined;
  readonly status: ReplicaSetStatus | undefined;
  readonly pods: readonly Pod[];
  readonly failure: ReplicaFailure | undefined;
  readonly nowMs: number;
}): ReplicaSetStatus {
  const active = state.pods.filter(isPodActive);
  const labels = Object.entries(state.template?.metadata?.labels ?? {});
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  for (const pod of active) {
    if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) fullyLabeled += 1;
    if (isPodReady(pod)) ready += 1;
    if (isPodAvailable(pod, state.minReadySeconds, state.nowMs)) available += 1;
  }
  const conditions = failureConditions(state.status?.conditions, state.failure, state.nowMs);
  return {
    replicas: active.length,
    fullyLabeledReplicas: omitZero(fullyLabeled),
    readyReplicas: omitZero(ready),
    availableReplicas: omitZero(available),
    // 0 is not the same as unknown here, so it is written.
    terminatingReplicas: state.pods.filter(isPodTerminating).length,
    observedGeneration: state.generation,
    conditions: conditions.length === 0 ? undefined : conditions,
  };
}

function failureConditions(conditions: readonly ReplicaSetCondition[] | undefined, failure: ReplicaFailure | undefined, nowMs: number): readonly ReplicaSetCondition[] {
  if (failure === undefined) return withoutCondition(conditions, "ReplicaFailure");
  if (findCondition(conditions, "ReplicaFailure") !== undefined) return conditions ?? [];
  return withCondition(conditions, { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime: rfc3339(nowMs) });
}
