import type { Container, ContainerState, ContainerStatus, EphemeralContainer, Pod, ResourceRequirements } from "../../api/generated/types/core-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { ContainerKind } from "../pods/pod-containers.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import { shouldRestart } from "../runtime/restart-policy.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** What was last known, for containers that the runtime has lost. */
  readonly previous: readonly ContainerStatus[];
  /** `containerd`: how container IDs begin. */
  readonly runtimeName: string;
  /** Why a container that should run does not. */
  waitingFor(name: string): { readonly reason: string; readonly message: string } | undefined;
  /** What probes say; undefined before the first result. */
  startup(containerId: string): "success" | "failure" | undefined;
  readiness(containerId: string): "success" | "failure" | undefined;
  /** What a container has of resources; undefined when not known. */
  appliedResources(container: RuntimeContainer): ResourceRequirements | undefined;
  /** Nothing will run again. */
  readonly ended: boolean;
}

const lostExitCode = 137;

/** One list of statuses. @upstream pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses */
export function containerStatuses(kind: ContainerKind, containers: readonly (Container | EphemeralContainer)[], input: ContainerStatusInput): readonly ContainerStatus[] {
  const statuses = containers.map((container) => statusOf(kind, container, input));
  // Clients expect a steady order: upstream sorts by name, and keeps init containers in theirs.
  return kind === "init" ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function statusOf(kind: ContainerKind, container: Container | EphemeralContainer, input: ContainerStatusInput): ContainerStatus {
  const { pod, runtimePod } = input;
  const instances = runtimePod.containers.filter(({ name }) => name === container.name);
  const [current, before] = instances;
  const previous = input.previous.find(({ name }) => name === container.name);
  const base = current === undefined ? lost(kind, container, { input, previous }) : present(container, current, { input, before, previous });
  const waiting = current?.state === "running" ? undefined : input.waitingFor(container.name);
  const shown = waiting === undefined || input.ended || !mayStillStart(pod, container, { kind, current }) ? base : asWaiting(base, waiting);
  return {
    ...shown,
    ...health(kind, container, { status: shown, current, previous, input }),
    ...details(container, current?.state === "running" ? input.appliedResources(current) : undefined),
  };
}

function mayStillStart(
  pod: Pod,
  container: Container | EphemeralContainer,
  { kind, current }: { readonly kind: ContainerKind; readonly current: RuntimeContainer | undefined },
): boolean {
  if (kind === "ephemeral") return current === undefined;
  return shouldRestart(pod, container, current);
}

function asWaiting(status: ContainerStatus, waiting: { readonly reason: string; readonly message: string }): ContainerStatus {
  return {
    ...status,
    ...(status.state?.terminated === undefined ? {} : { lastState: { terminated: status.state.terminated } }),
    state: { waiting: { reason: waiting.reason, ...(waiting.message === "" ? {} : { message: waiting.message }) } },
  };
}

function present(
  container: Container | EphemeralContainer,
  current: RuntimeContainer,
  { input, before, previous }: { readonly input: ContainerStatusInput; readonly before: RuntimeContainer | undefined; readonly previous: ContainerStatus | undefined },
): ContainerStatus {
  const state = stateOf(current, input, previous);
  // An older instance that is already cleaned away is remembered from the status.
  const earlier = before === undefined ? (previous?.restartCount === current.restartCount ? previous.lastState : undefined) : { terminated: terminated(before, input.runtimeName) };
  return {
    name: container.name,
    state,
    lastState: earlier ?? {},
    ready: false,
    restartCount: current.restartCount,
    image: current.image === "" ? (container.image ?? "") : current.image,
    imageID: current.imageId,
    containerID: `${input.runtimeName}://${current.id}`,
    ...(current.user === undefined ? {} : { user: { linux: current.user } }),
    ...(current.stopSignal === undefined || current.stopSignal === "SIGNAL_RUNTIME_DEFAULT" ? {} : { stopSignal: current.stopSignal.replace("SIGNAL_", "") }),
  };
}

function stateOf(current: RuntimeContainer, input: ContainerStatusInput, previous: ContainerStatus | undefined): ContainerState {
  if (current.state === "running") return { running: { startedAt: rfc3339(current.startedMs) } };
  if (current.state === "exited") return { terminated: terminated(current, input.runtimeName) };
  if (current.state === "unknown" && previous?.state?.running !== undefined) {
    const startedAt = previous.state.running.startedAt;
    return {
      terminated: {
        reason: "ContainerStatusUnknown",
        message: "The container could not be located when the pod was terminated",
        exitCode: lostExitCode,
        containerID: `${input.runtimeName}://${current.id}`,
        ...(startedAt === undefined ? {} : { startedAt }),
      },
    };
  }
  return { waiting: { reason: "ContainerCreating" } };
}

function terminated(container: RuntimeContainer, runtimeName: string): NonNullable<ContainerState["terminated"]> {
  const reason = container.reason === "" ? (container.exitCode === 0 ? "Completed" : "Error") : container.reason;
  return {
    exitCode: container.exitCode,
    reason,
    ...(container.message === "" ? {} : { message: container.message }),
    ...(container.startedMs === 0 ? {} : { startedAt: rfc3339(container.startedMs) }),
    ...(container.finishedMs === 0 ? {} : { finishedAt: rfc3339(container.finishedMs) }),
    containerID: `${runtimeName}://${container.id}`,
  };
}

/** A container that the runtime does not have: not made yet, or made and lost. */
function lost(
  kind: ContainerKind,
  container: Container | EphemeralContainer,
  { input, previous }: { readonly input: ContainerStatusInput; readonly previous: ContainerStatus | undefined },
): ContainerStatus {
  const blank: ContainerStatus = { name: container.name, state: {}, lastState: {}, ready: false, restartCount: 0, image: container.image ?? "", imageID: "" };
  const ran = previous?.state?.terminated ?? previous?.lastState?.terminated;
  if (previous?.state?.terminated !== undefined) return { ...blank, ...previous };
  const gone = (when: string): ContainerState => ({
    terminated: { reason: "ContainerStatusUnknown", message: `The container could not be located when the pod was ${when}`, exitCode: lostExitCode },
  });
  if (input.ended) return { ...blank, restartCount: previous?.restartCount ?? 0, state: gone("terminated"), lastState: previous?.lastState ?? {} };
  const waiting = { waiting: { reason: waitingReason(kind, input) } };
  if (previous?.state?.running !== undefined) {
    return {
      ...blank,
      imageID: previous.imageID,
      restartCount: previous.restartCount + 1,
      state: waiting,
      lastState: { terminated: gone("deleted.  The container used to be Running").terminated },
    };
  }
  return { ...blank, restartCount: previous?.restartCount ?? 0, state: waiting, lastState: ran === undefined ? {} : { terminated: ran } };
}

function waitingReason(kind: ContainerKind, { pod }: ContainerStatusInput): string {
  return kind !== "ephemeral" && (pod.spec.initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating";
}

/** `started` and `ready`. @upstream pkg/kubelet/prober/prober_manager.go UpdatePodStatus */
function health(
  kind: ContainerKind,
  container: Container | EphemeralContainer,
  {
    status,
    current,
    previous,
    input,
  }: { readonly status: ContainerStatus; readonly current: RuntimeContainer | undefined; readonly previous: ContainerStatus | undefined; readonly input: ContainerStatusInput },
): Partial<ContainerStatus> {
  const running = status.state?.running !== undefined && current !== undefined;
  if (kind === "ephemeral") return {};
  // Until the first result after a restart of the kubelet, a container is what it was.
  const same = current !== undefined && previous?.containerID === `${input.runtimeName}://${current.id}` ? previous : undefined;
  const startup = current === undefined ? undefined : input.startup(current.id);
  const started = running && (container.startupProbe === undefined || (startup === undefined ? same?.started === true : startup === "success"));
  if (kind === "init" && !isSidecar(container)) return { started, ready: status.state?.terminated?.exitCode === 0 };
  const readiness = current === undefined ? undefined : input.readiness(current.id);
  const ready = started && (container.readinessProbe === undefined || (readiness === undefined ? same?.ready === true : readiness === "success"));
  return { started, ready };
}

function details(container: Container | EphemeralContainer, applied: ResourceRequirements | undefined): Partial<ContainerStatus> {
  const resources = applied === undefined ? (container.resources ?? {}) : withoutEmpty(applied);
  const { requests } = resources;
  const mounts = container.volumeMounts ?? [];
  return {
    resources,
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    ...(mounts.length === 0
      ? {}
      : {
          volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({ name, mountPath, ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}) })),
        }),
  };
}

function withoutEmpty({ requests = {}, limits = {} }: ResourceRequirements): ResourceRequirements {
  return { ...(Object.keys(requests).length === 0 ? {} : { requests }), ...(Object.keys(limits).length === 0 ? {} : { limits }) };
}
