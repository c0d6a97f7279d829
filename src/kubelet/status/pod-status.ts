import type { ContainerStatus, Pod, PodCondition, PodStatus, ResourceRequirements } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { isTerminalPhase } from "../pods/pod-containers.ts";
import { qosClassOf } from "../pods/pod-qos.ts";
import { readySandbox, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { containerStatuses } from "./container-statuses.ts";
import { podConditions } from "./pod-conditions.ts";
import { podPhase, type PodPhase } from "./pod-phase.ts";

export interface PodStatusInput {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** The status last made here; the pod's own before the first. */
  readonly previous: PodStatus;
  readonly hostIPs: readonly string[];
  readonly runtimeName: string;
  readonly nowMs: number;
  waitingFor(name: string): { readonly reason: string; readonly message: string } | undefined;
  startup(containerId: string): "success" | "failure" | undefined;
  readiness(containerId: string): "success" | "failure" | undefined;
  /** Set when the kubelet ends the pod for a reason of its own: eviction, deadline. */
  readonly failure?: { readonly reason: string; readonly message: string; readonly disruption?: string } | undefined;
  appliedResources(container: RuntimeContainer): ResourceRequirements | undefined;
  /** Why other resources that the pod asks for are not given. */
  readonly resize?: { readonly reason: string; readonly message: string } | undefined;
  /** Containers are being started just now: what stands still is about to go on. */
  readonly starting: boolean;
  /** All containers have ended for good. */
  readonly ended: boolean;
}

/** A pod's status as the API is told it. @upstream pkg/kubelet/kubelet_pods.go generateAPIPodStatus */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtimePod, previous } = input;
  const listOf = (statuses: readonly ContainerStatus[] | undefined): Omit<PodStatusInput, "previous"> & { readonly previous: readonly ContainerStatus[] } => ({
    ...input,
    previous: statuses ?? [],
  });
  const initStatuses = containerStatuses("init", pod.spec.initContainers ?? [], listOf(previous.initContainerStatuses));
  const statuses = containerStatuses("app", pod.spec.containers, listOf(previous.containerStatuses));
  const ephemeral = containerStatuses("ephemeral", pod.spec.ephemeralContainers ?? [], listOf(previous.ephemeralContainerStatuses));

  const { phase, reason, message } = phaseOf(input, { initStatuses, statuses });
  const sandbox = readySandbox(runtimePod);
  const hostNetwork = pod.spec.hostNetwork === true;
  const [first] = runtimePod.sandboxes;
  const fresh = hostNetwork ? input.hostIPs : (sandbox?.ips ?? first?.ips ?? []);
  // The address of a pod that has ended stays readable.
  const podIPs = fresh.length > 0 ? fresh : (previous.podIPs ?? []).map(({ ip }) => ip ?? "").filter((ip) => ip !== "");
  const keepIPs = podIPs.length > 0 && (fresh.length > 0 || input.ended || isTerminalPhase(phase));
  const generation = pod.metadata.generation;
  const now = rfc3339(input.nowMs);
  const conditions = podConditions(pod, {
    phase,
    statuses,
    initStatuses,
    sandboxReady: sandbox !== undefined && (hostNetwork || sandbox.ips.length > 0),
    resize: input.resize,
    now,
  });
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: input.failure?.disruption === undefined ? conditions : withDisruption(conditions, input.failure, now),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    ...(input.hostIPs[0] === undefined ? {} : { hostIP: input.hostIPs[0], hostIPs: input.hostIPs.map((ip) => ({ ip })) }),
    ...(keepIPs ? { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) } : {}),
    startTime: pod.status?.startTime ?? previous.startTime ?? rfc3339(input.nowMs),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod),
  };
}

function withDisruption(conditions: readonly PodCondition[], failure: { readonly message: string; readonly disruption?: string }, now: string): readonly PodCondition[] {
  if (conditions.some(({ type, status }) => type === "DisruptionTarget" && status === "True")) return conditions;
  const { disruption = "", message } = failure;
  return [...conditions.filter(({ type }) => type !== "DisruptionTarget"), { type: "DisruptionTarget", status: "True", reason: disruption, message, lastTransitionTime: now }];
}

function phaseOf(
  { pod, previous, failure, ended, starting, runtimePod }: PodStatusInput,
  lists: { readonly initStatuses: readonly ContainerStatus[]; readonly statuses: readonly ContainerStatus[] },
): { readonly phase: PodPhase; readonly reason: string | undefined; readonly message: string | undefined } {
  const before = isTerminalPhase(previous.phase) ? previous : (pod.status ?? previous);
  const kept = { reason: before.reason, message: before.message };
  // A pod that is done is never undone.
  if (before.phase === "Succeeded" || before.phase === "Failed") return { phase: before.phase, ...kept };
  const computed = podPhase(pod, { ...lists, ended });
  const phase = failure === undefined ? computed : "Failed";
  const why = failure === undefined ? (phase === previous.phase ? kept : { reason: undefined, message: undefined }) : { reason: failure.reason, message: failure.message };
  // Nobody may take a pod for done while something of it still runs.
  if (isTerminalPhase(phase) && !ended && (starting || runtimePod.containers.some(({ state }) => state === "running"))) {
    const running = previous.phase === "Running" || previous.phase === "Pending" ? previous.phase : computed === "Pending" ? "Pending" : "Running";
    return { phase: running, reason: undefined, message: undefined };
  }
  return { phase, ...why };
}
