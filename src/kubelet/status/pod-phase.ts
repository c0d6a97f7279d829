import type { Container, ContainerStatus, Pod } from "../../api/generated/types/core-v1.ts";
import { isSidecar } from "../pods/pod-containers.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PhaseInput {
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
  /** The kubelet has ended the pod: nothing will run again. */
  readonly ended: boolean;
}

const find = (statuses: readonly ContainerStatus[], { name }: Container): ContainerStatus | undefined => statuses.find((status) => status.name === name);

/** Where a pod stands, from its containers. @upstream pkg/kubelet/kubelet_pods.go getPhase */
export function podPhase(pod: Pod, input: PhaseInput): PodPhase {
  const restartPolicy = pod.spec.restartPolicy ?? "Always";
  const counts = countContainers(pod, input.statuses);
  const hasRun = counts.running + counts.stopped > 0;
  const init = countInit(pod, input.initStatuses);
  if (init.failed > 0 && restartPolicy === "Never") return "Failed";
  if (init.pending > 0 || init.failed > 0 || (init.pendingSidecars > 0 && !hasRun)) return input.ended ? "Failed" : "Pending";
  if (counts.waiting > 0) return input.ended ? "Failed" : "Pending";
  if (counts.running > 0 && counts.unknown === 0) return "Running";
  if (counts.running === 0 && counts.stopped > 0 && counts.unknown === 0) {
    const allGood = counts.stopped === counts.succeeded;
    if (input.ended) return allGood ? "Succeeded" : "Failed";
    const mayRestart = pod.spec.containers.some((container) => willRestart(container, restartPolicy, find(input.statuses, container)));
    if (mayRestart) return "Running";
    return allGood ? "Succeeded" : "Failed";
  }
  return input.ended ? "Failed" : "Pending";
}

function willRestart(container: Container, podPolicy: string, status: ContainerStatus | undefined): boolean {
  const exitCode = (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode ?? 0;
  const rule = (container.restartPolicyRules ?? []).find(({ exitCodes }) => (exitCodes?.values?.includes(exitCode) ?? false) !== (exitCodes?.operator === "NotIn"));
  if (rule?.action === "Restart") return true;
  const policy = container.restartPolicy ?? podPolicy;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function countContainers(pod: Pod, statuses: readonly ContainerStatus[]): { running: number; waiting: number; stopped: number; succeeded: number; unknown: number } {
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0, unknown: 0 };
  for (const container of pod.spec.containers) {
    const status = find(statuses, container);
    if (status?.state?.running !== undefined) counts.running += 1;
    else if (status?.state?.terminated !== undefined) {
      counts.stopped += 1;
      if (status.state.terminated.exitCode === 0) counts.succeeded += 1;
    } else if (status?.state?.waiting !== undefined) {
      if (status.lastState?.terminated === undefined) counts.waiting += 1;
      else counts.stopped += 1;
    } else counts.unknown += 1;
  }
  return counts;
}

function countInit(pod: Pod, statuses: readonly ContainerStatus[]): { pending: number; failed: number; pendingSidecars: number } {
  const counts = { pending: 0, failed: 0, pendingSidecars: 0 };
  for (const container of pod.spec.initContainers ?? []) {
    const status = find(statuses, container);
    if (isSidecar(container)) {
      if (status?.started !== true) counts.pendingSidecars += 1;
      continue;
    }
    const exitCode = (status?.state?.terminated ?? (status?.state?.waiting === undefined ? undefined : status.lastState?.terminated))?.exitCode;
    if (exitCode === undefined) counts.pending += 1;
    else if (exitCode !== 0) counts.failed += 1;
  }
  return counts;
}
