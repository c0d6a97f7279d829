import type { ContainerStatus, Pod, PodCondition } from "../../api/generated/types/core-v1.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import type { PodPhase } from "./pod-phase.ts";

export interface ConditionsInput {
  readonly phase: PodPhase;
  readonly statuses: readonly ContainerStatus[];
  readonly initStatuses: readonly ContainerStatus[];
  /** The sandbox stands and has its network. */
  readonly sandboxReady: boolean;
  /** Why other resources that the pod asks for are not given. */
  readonly resize?: { readonly reason: string; readonly message: string } | undefined;
  readonly now: string;
}

type Finding = Pick<PodCondition, "status" | "reason" | "message">;

/** The types that the kubelet decides on. */
export const ownedConditions: readonly string[] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "PodResizePending"];

/** All conditions of the pod, with those that others wrote as they are. @upstream pkg/kubelet/status/generate.go */
export function podConditions(pod: Pod, input: ConditionsInput): readonly PodCondition[] {
  const containersReady = containersReadyFinding(pod, input);
  const findings: readonly (readonly [type: string, finding: Finding])[] = [
    ["PodReadyToStartContainers", { status: input.sandboxReady ? "True" : "False" }],
    ["Initialized", initializedFinding(pod, input)],
    ["Ready", readyFinding(pod, containersReady)],
    ["ContainersReady", containersReady],
    ["PodScheduled", { status: "True" }],
    ...(input.resize === undefined ? [] : [["PodResizePending", { status: "True", ...input.resize }] as const]),
  ];
  const known = pod.status?.conditions ?? [];
  const own = findings.map(([type, finding]): PodCondition => {
    const before = known.find((condition) => condition.type === type);
    const generation = pod.metadata.generation;
    return {
      type,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...finding,
      lastTransitionTime: before?.status === finding.status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : input.now,
    };
  });
  return [...own, ...known.filter(({ type }) => !ownedConditions.includes(type))];
}

function done(phase: PodPhase, unknown: readonly string[]): Finding | undefined {
  if (phase === "Succeeded" && unknown.length === 0) return { status: "False", reason: "PodCompleted" };
  return phase === "Failed" ? { status: "False", reason: "PodFailed" } : undefined;
}

function containersReadyFinding(pod: Pod, { phase, statuses, initStatuses }: ConditionsInput): Finding {
  const unknown: string[] = [];
  const unready: string[] = [];
  const look = (name: string, among: readonly ContainerStatus[]): void => {
    const status = among.find((candidate) => candidate.name === name);
    if (status === undefined) unknown.push(name);
    else if (!status.ready) unready.push(name);
  };
  for (const container of pod.spec.initContainers ?? []) if (isSidecar(container)) look(container.name, initStatuses);
  for (const { name } of pod.spec.containers) look(name, statuses);
  const ended = done(phase, unknown);
  if (ended !== undefined) return ended;
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(" ")}]`] : []),
    ...(unready.length > 0 ? [`containers with unready status: [${unready.join(" ")}]`] : []),
  ];
  return messages.length === 0 ? { status: "True" } : { status: "False", reason: "ContainersNotReady", message: messages.join(", ") };
}

function readyFinding(pod: Pod, containersReady: Finding): Finding {
  if (containersReady.status !== "True") return containersReady;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === "True" ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return messages.length === 0 ? { status: "True" } : { status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}

function initializedFinding(pod: Pod, { phase, statuses, initStatuses }: ConditionsInput): Finding {
  const containers = pod.spec.initContainers ?? [];
  if (containers.length === 0) return { status: "True" };
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  // Regular containers only ever start after initialization.
  if (statuses.some(({ state, lastState }) => state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined) && phase !== "Failed")
    return { status: "True" };
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of containers) {
    const status = initStatuses.find(({ name }) => name === container.name);
    if (status === undefined) unknown.push(container.name);
    else if (isSidecar(container) ? status.started !== true && !status.ready : !status.ready) incomplete.push(container.name);
  }
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(" ")}]`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: [${incomplete.join(" ")}]`] : []),
  ];
  return messages.length === 0 ? { status: "True" } : { status: "False", reason: "ContainersNotInitialized", message: messages.join(", ") };
}
