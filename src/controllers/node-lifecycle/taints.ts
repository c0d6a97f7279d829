import type { Node, Taint } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import type { Readiness } from "./health.ts";

export const notReadyTaint = "node.kubernetes.io/not-ready";
export const unreachableTaint = "node.kubernetes.io/unreachable";
const unschedulableTaint = "node.kubernetes.io/unschedulable";

const conditionTaints: readonly (readonly [condition: string, status: string, taint: string])[] = [
  ["Ready", "False", notReadyTaint],
  ["Ready", "Unknown", unreachableTaint],
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
];
const managed = new Set([...conditionTaints.map(([, , taint]) => taint), unschedulableTaint]);

/** The node's taints with the NoSchedule ones that its conditions call for; undefined when they are right. @upstream nodelifecycle doNoScheduleTaintingPass */
export function noScheduleTaints(node: Node, nowMs: number): readonly Taint[] | undefined {
  const wanted = conditionTaints
    .filter(([type, status]) => node.status?.conditions?.some((condition) => condition.type === type && condition.status === status) === true)
    .map(([, , taint]) => taint);
  if (node.spec.unschedulable === true) wanted.push(unschedulableTaint);
  const before = node.spec.taints ?? [];
  const isOurs = (taint: Taint): boolean => taint.effect === "NoSchedule" && managed.has(taint.key);
  const kept = before.filter((taint) => !isOurs(taint) || wanted.includes(taint.key));
  const added = wanted.filter((key) => !kept.some((taint) => isOurs(taint) && taint.key === key)).map((key) => ({ key, effect: "NoSchedule", timeAdded: rfc3339(nowMs) }));
  const next = [...kept, ...added];
  return deepEqual(next, before) ? undefined : next;
}

/** The node's taints with the NoExecute one of its readiness, and without the other; undefined when they are right. */
export function noExecuteTaints(node: Node, ready: Readiness, nowMs: number): readonly Taint[] | undefined {
  const wanted = ready === "True" ? undefined : ready === "False" ? notReadyTaint : unreachableTaint;
  const before = node.spec.taints ?? [];
  const isOurs = (taint: Taint): boolean => taint.effect === "NoExecute" && (taint.key === notReadyTaint || taint.key === unreachableTaint);
  const next = before.filter((taint) => !isOurs(taint) || taint.key === wanted);
  if (wanted !== undefined && !next.some((taint) => isOurs(taint))) next.push({ key: wanted, effect: "NoExecute", timeAdded: rfc3339(nowMs) });
  return next.length === before.length && deepEqual(next, before) ? undefined : next;
}

/** Deprecated labels that follow the current ones; undefined when they do. */
export function secondaryLabels(node: Node): { readonly [key: string]: string } | undefined {
  const labels = node.metadata.labels ?? {};
  const next: Record<string, string> = {};
  for (const name of ["os", "arch"]) {
    const primary = labels[`kubernetes.io/${name}`];
    if (primary !== undefined && labels[`beta.kubernetes.io/${name}`] !== primary) next[`beta.kubernetes.io/${name}`] = primary;
  }
  return Object.keys(next).length === 0 ? undefined : next;
}
