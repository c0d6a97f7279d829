import type { Container, EphemeralContainer, Pod } from "../../api/generated/types/core-v1.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import { containerHash } from "./container-hash.ts";
import { resizeOf } from "./container-resources.ts";
import { containerRestartPolicy, isDoneForGood, shouldRestart } from "./restart-policy.ts";
import { currentContainer, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";

/** Why a running container is to be stopped; probes may bring their own grace period. */
export type KillReason = "Unknown" | "StartupProbe" | "LivenessProbe" | "DefinitionChanged" | "Resize";

export interface ContainerToKill {
  readonly container: RuntimeContainer;
  readonly message: string;
  readonly reason: KillReason;
}

/** One step towards the wanted pod. Example: `{killPod: false, createSandbox: true, attempt: 0, initToStart: ["migrate"], …}`. */
export interface PodActions {
  /** Stop every container and the sandbox first. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** The sandbox in use, when none is to be created. */
  readonly sandboxId: string | undefined;
  /** Which sandbox of the pod the next one is, from 0. */
  readonly attempt: number;
  readonly initToStart: readonly Container[];
  readonly appsToStart: readonly Container[];
  readonly ephemeralToStart: readonly EphemeralContainer[];
  readonly toKill: readonly ContainerToKill[];
  /** Running containers whose resources change while they run. */
  readonly toResize: readonly { readonly container: RuntimeContainer; readonly spec: Container }[];
}

export interface PodActionsInput {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** What probes say of a container by its id; undefined before the first result. */
  liveness(containerId: string): "success" | "failure" | undefined;
  startup(containerId: string): "success" | "failure" | undefined;
  /** The resources that a container has now; empty when not known. */
  appliedResources(container: RuntimeContainer): string;
}

/** @upstream pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions */
export function computePodActions(input: PodActionsInput): PodActions {
  const { pod, runtimePod } = input;
  const sandbox = sandboxChange(pod, runtimePod);
  const base = { sandboxId: sandbox.changed ? undefined : sandbox.id, attempt: sandbox.attempt, initToStart: [], appsToStart: [], ephemeralToStart: [], toKill: [], toResize: [] };
  if (sandbox.changed) return { ...base, killPod: true, ...startOver(input, sandbox.attempt) };

  const ephemeralToStart = (pod.spec.ephemeralContainers ?? []).filter(({ name }) => currentContainer(runtimePod, name) === undefined);
  const init = initActions(input);
  if (init.killPod) return { ...base, killPod: true, createSandbox: false };
  if (!init.initialized) return { ...base, killPod: false, createSandbox: false, ephemeralToStart, initToStart: init.toStart, toKill: init.toKill };

  const apps = appActions(input);
  const toKill = [...init.toKill, ...apps.toKill];
  if (apps.kept === 0 && apps.toStart.length === 0) return { ...base, killPod: true, createSandbox: false, toKill };
  return { ...base, killPod: false, createSandbox: false, ephemeralToStart, initToStart: init.toStart, appsToStart: apps.toStart, toKill, toResize: toResize(input, toKill) };
}

/** @upstream pkg/kubelet/kuberuntime/util/util.go PodSandboxChanged */
function sandboxChange(pod: Pod, runtimePod: RuntimePod): { readonly changed: boolean; readonly attempt: number; readonly id: string | undefined } {
  const [newest] = runtimePod.sandboxes;
  if (newest === undefined) return { changed: true, attempt: 0, id: undefined };
  const onHostNetwork = pod.spec.hostNetwork === true;
  const changed =
    !newest.ready || runtimePod.sandboxes.filter((sandbox) => sandbox.ready).length > 1 || newest.hostNetwork !== onHostNetwork || (!onHostNetwork && newest.ips.length === 0);
  return { changed, attempt: changed ? newest.attempt + 1 : newest.attempt, id: newest.id };
}

/** What a pod without a usable sandbox needs: a new one, unless its work is done. */
function startOver({ pod, runtimePod }: PodActionsInput, attempt: number): Pick<PodActions, "createSandbox" | "initToStart" | "appsToStart"> {
  const nothing = { createSandbox: false, initToStart: [], appsToStart: [] };
  const restarts = pod.spec.restartPolicy !== "Never" || pod.spec.containers.some((container) => containerRestartPolicy(pod, container) !== "Never");
  if (!restarts && attempt !== 0 && runtimePod.containers.length > 0) return nothing;
  const apps = pod.spec.containers.filter((container) => {
    const known = currentContainer(runtimePod, container.name);
    return known === undefined || known.state !== "exited" || !isDoneForGood(pod, container, known);
  });
  if (apps.length === 0 && pod.spec.containers.some(({ name }) => currentContainer(runtimePod, name) !== undefined)) return nothing;
  const [firstInit] = pod.spec.initContainers ?? [];
  if (firstInit !== undefined) return { createSandbox: true, initToStart: [firstInit], appsToStart: [] };
  return { createSandbox: true, initToStart: [], appsToStart: apps };
}

interface InitActions {
  readonly initialized: boolean;
  readonly killPod: boolean;
  readonly toStart: readonly Container[];
  readonly toKill: readonly ContainerToKill[];
}

/**
 * Init containers one after another; sidecars count as done once they have started (and passed their startup probe).
 * @upstream pkg/kubelet/kuberuntime/kuberuntime_container.go computeInitContainerActions
 */
function initActions(input: PodActionsInput): InitActions {
  const { pod, runtimePod } = input;
  const containers = pod.spec.initContainers ?? [];
  const [first] = containers;
  if (first === undefined) return { initialized: true, killPod: false, toStart: [], toKill: [] };
  const wasInitialized = pod.spec.containers.some(({ name }) => {
    const known = currentContainer(runtimePod, name);
    return known !== undefined && known.state !== "created";
  });
  const toStart: Container[] = [];
  const toKill: ContainerToKill[] = [];
  let initialized = wasInitialized;
  // The latest init container that has been made says how far the pod has come.
  let latest = containers.length - 1;
  while (latest >= 0 && currentContainer(runtimePod, containers[latest]?.name ?? "") === undefined) latest -= 1;
  if (latest < 0 && !wasInitialized) return { initialized: false, killPod: false, toStart: [first], toKill };

  for (const [index, container] of containers.entries()) {
    const known = currentContainer(runtimePod, container.name);
    const advances = !wasInitialized && index === latest;
    if (isSidecar(container)) {
      const step = sidecarStep(container, known, input);
      // Those after the latest have not had their turn yet, unless all of them had.
      if (step.start && (wasInitialized || index <= latest)) toStart.push(container);
      if (step.kill !== undefined) toKill.push(step.kill);
      if (!advances || !step.up) continue;
    } else {
      if (!advances || known === undefined) continue;
      if (known.state === "unknown") {
        toKill.push(killUnknown(known));
        toStart.push(container);
        continue;
      }
      if (known.state !== "exited") continue;
      if (known.exitCode !== 0) {
        if (!shouldRestart(pod, container, known)) return { initialized: false, killPod: true, toStart: [], toKill: [] };
        toStart.push(container);
        continue;
      }
    }
    const next = containers[index + 1];
    if (next === undefined) initialized = true;
    else toStart.push(next);
  }
  return { initialized, killPod: false, toStart, toKill };
}

/** `up`: the next container may start. */
function sidecarStep(
  container: Container,
  known: RuntimeContainer | undefined,
  input: PodActionsInput,
): { readonly up: boolean; readonly start: boolean; readonly kill: ContainerToKill | undefined } {
  if (known === undefined || known.state === "exited") return { up: false, start: true, kill: undefined };
  if (known.state === "created") return { up: false, start: false, kill: undefined };
  if (known.state === "unknown") return { up: false, start: true, kill: killUnknown(known) };
  if (container.startupProbe !== undefined) {
    const startup = input.startup(known.id);
    if (startup === "failure")
      return { up: false, start: true, kill: { container: known, message: `Init container ${container.name} failed startup probe`, reason: "StartupProbe" } };
    if (startup === undefined) return { up: false, start: false, kill: undefined };
  }
  if (container.livenessProbe !== undefined && input.liveness(known.id) === "failure")
    return { up: true, start: true, kill: { container: known, message: `Init container ${container.name} failed liveness probe`, reason: "LivenessProbe" } };
  if (known.hash !== containerHash(container))
    return { up: true, start: true, kill: { container: known, message: `Init container ${container.name} definition changed`, reason: "DefinitionChanged" } };
  return { up: true, start: false, kill: undefined };
}

const killUnknown = (container: RuntimeContainer): ContainerToKill => ({
  container,
  message: `Container is in "${container.state}" state, try killing it before restart`,
  reason: "Unknown",
});

function appActions(input: PodActionsInput): { readonly kept: number; readonly toStart: readonly Container[]; readonly toKill: readonly ContainerToKill[] } {
  const { pod, runtimePod } = input;
  const toStart: Container[] = [];
  const toKill: ContainerToKill[] = [];
  let kept = 0;
  for (const container of pod.spec.containers) {
    const known = currentContainer(runtimePod, container.name);
    if (known === undefined || known.state !== "running") {
      if (!shouldRestart(pod, container, known)) continue;
      toStart.push(container);
      if (known?.state === "unknown") toKill.push(killUnknown(known));
      continue;
    }
    const wrong = whatIsWrong(container, known, input);
    if (wrong === undefined) {
      kept += 1;
      continue;
    }
    const restart = wrong.reason === "DefinitionChanged" || wrong.reason === "Resize" || containerRestartPolicy(pod, container) !== "Never";
    if (restart) toStart.push(container);
    toKill.push({ container: known, reason: wrong.reason, message: restart ? `${wrong.message}, will be restarted` : wrong.message });
  }
  return { kept, toStart, toKill };
}

function whatIsWrong(container: Container, known: RuntimeContainer, input: PodActionsInput): { readonly message: string; readonly reason: KillReason } | undefined {
  if (known.hash !== containerHash(container)) return { message: `Container ${container.name} definition changed`, reason: "DefinitionChanged" };
  if (resizeOf(container, input.appliedResources(known)) === "restart") return { message: `Container ${container.name} resize requires restart`, reason: "Resize" };
  if (input.liveness(known.id) === "failure") return { message: `Container ${container.name} failed liveness probe`, reason: "LivenessProbe" };
  if (input.startup(known.id) === "failure") return { message: `Container ${container.name} failed startup probe`, reason: "StartupProbe" };
  return undefined;
}

function toResize(input: PodActionsInput, toKill: readonly ContainerToKill[]): PodActions["toResize"] {
  const containers = [...(input.pod.spec.initContainers ?? []).filter(isSidecar), ...input.pod.spec.containers];
  return containers.flatMap((spec) => {
    const container = currentContainer(input.runtimePod, spec.name);
    if (container === undefined || container.state !== "running" || toKill.some((each) => each.container.id === container.id)) return [];
    return resizeOf(spec, input.appliedResources(container)) === "update" ? [{ container, spec }] : [];
  });
}
