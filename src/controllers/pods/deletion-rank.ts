import type { ContainerStatus, Pod } from "../../api/generated/types/core-v1.ts";
import { isPodReady, readySinceMs } from "./pod-state.ts";

export const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** The cost a user gave the pod; 0 when absent or not a canonical 32 bit integer. */
export function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation];
  if (text === undefined || !/^(?:0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -2147483648 && cost <= 2147483647 ? cost : 0;
}

/**
 * Sorts the pods that should go first to the front. `crowding(pod)` is how many related pods share its node.
 * Ages are compared by their power of two, so that among pods of about the same age chance (the uid) decides.
 * @upstream pkg/controller/controller_utils.go ActivePodsWithRanks
 */
export function rankForDeletion(pods: readonly Pod[], crowding: (pod: Pod) => number, nowMs: number): readonly Pod[] {
  return [...pods].sort((a, b) => compare(a, b, crowding, nowMs));
}

function compare(a: Pod, b: Pod, crowding: (pod: Pod) => number, nowMs: number): number {
  const assignedA = (a.spec.nodeName ?? "") !== "";
  const assignedB = (b.spec.nodeName ?? "") !== "";
  if (assignedA !== assignedB) return assignedA ? 1 : -1;
  const phase = (phaseOrder[a.status?.phase ?? ""] ?? 0) - (phaseOrder[b.status?.phase ?? ""] ?? 0);
  if (phase !== 0) return phase;
  const readyA = isPodReady(a);
  const readyB = isPodReady(b);
  if (readyA !== readyB) return readyA ? 1 : -1;
  const cost = deletionCost(a) - deletionCost(b);
  if (cost !== 0) return cost;
  const crowd = crowding(b) - crowding(a);
  if (crowd !== 0) return crowd;
  if (readyA) {
    const age = compareAges(readySinceMs(a), readySinceMs(b), nowMs);
    if (age !== 0) return age;
    if (readySinceMs(a) !== readySinceMs(b)) return compareUids(a, b);
  }
  const restarts = mostRestarts(b.status?.containerStatuses) - mostRestarts(a.status?.containerStatuses);
  if (restarts !== 0) return restarts;
  const sidecars = mostRestarts(sidecarStatuses(b)) - mostRestarts(sidecarStatuses(a));
  if (sidecars !== 0) return sidecars;
  const age = compareAges(createdMs(a), createdMs(b), nowMs);
  return age === 0 ? compareUids(a, b) : age;
}

function createdMs(pod: Pod): number | undefined {
  const created = pod.metadata.creationTimestamp;
  return created === undefined ? undefined : Date.parse(created);
}

/** Negative when `a` is younger by at least a power of two; an absent time is youngest. */
function compareAges(a: number | undefined, b: number | undefined, nowMs: number): number {
  return magnitude(a, nowMs) - magnitude(b, nowMs);
}

function magnitude(sinceMs: number | undefined, nowMs: number): number {
  if (sinceMs === undefined) return -2;
  const nanoseconds = (nowMs - sinceMs) * 1e6;
  return nanoseconds <= 0 ? -1 : Math.floor(Math.log2(nanoseconds));
}

function compareUids(a: Pod, b: Pod): number {
  const left = a.metadata.uid ?? "";
  const right = b.metadata.uid ?? "";
  return left < right ? -1 : left > right ? 1 : 0;
}

function mostRestarts(statuses: readonly ContainerStatus[] | undefined): number {
  let most = 0;
  for (const { restartCount } of statuses ?? []) most = Math.max(most, restartCount);
  return most;
}

/** Restartable init containers only. */
function sidecarStatuses(pod: Pod): readonly ContainerStatus[] {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always").map((container) => container.name));
  return (pod.status?.initContainerStatuses ?? []).filter((status) => sidecars.has(status.name));
}
