import type { Container, EphemeralContainer, Pod } from "../../api/generated/types/core-v1.ts";
import { orAbort } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import { RuntimeError, type RuntimeService } from "../../cri/runtime.ts";
import type { Network } from "../../platform/network.ts";
import { runHook } from "../lifecycle/run-hook.ts";
import { containerFieldPath, findContainer } from "../pods/pod-containers.ts";
import type { KillReason } from "./compute-pod-actions.ts";
import type { RuntimeContainer } from "./runtime-pod.ts";
import { within } from "./within.ts";

export interface KillDeps {
  readonly runtime: RuntimeService;
  readonly network: Network;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

export interface KillRequest {
  /** Absent for what is left of a pod that nobody knows any more. */
  readonly pod: Pod | undefined;
  readonly container: RuntimeContainer;
  readonly podIP: string;
  readonly message?: string;
  readonly reason?: KillReason;
  readonly graceSeconds?: number | undefined;
  /** Gives up waiting; what was begun in the runtime goes on. */
  readonly signal: AbortSignal;
  /** Waits until containers that must end first have; in seconds at most. */
  turn?(graceSeconds: number): Promise<void>;
}

/** Less than that and a process has no chance to end by itself. */
const shortestGraceSeconds = 2;

/** preStop, then the stop signal, then SIGKILL when the grace is over. @upstream pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer */
export async function killContainer(request: KillRequest, deps: KillDeps): Promise<void> {
  const { pod, container } = request;
  const found = pod === undefined ? undefined : findContainer(pod, container.name);
  const spec = found?.container;
  if (pod !== undefined && found !== undefined) {
    deps.recorder.event(pod, "Normal", "Killing", request.message ?? `Stopping container ${container.name}`, { fieldPath: containerFieldPath(found) });
  }
  let grace = request.graceSeconds ?? graceOf(pod, spec, request.reason);
  const startedMs = deps.clock.now();
  const left = (): number => grace - Math.ceil((deps.clock.now() - startedMs) / 1000);
  const preStop = spec?.lifecycle?.preStop;
  if (pod !== undefined && found !== undefined && preStop !== undefined && grace > 0) {
    const hook = runHook({ handler: preStop, container: found.container, containerId: container.id, podIP: request.podIP, timeoutSeconds: grace, signal: request.signal }, deps);
    try {
      await within(hook, grace * 1000, { clock: deps.clock, signal: request.signal });
    } catch (error) {
      if (request.signal.aborted) throw error;
      deps.recorder.event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", { fieldPath: containerFieldPath(found) });
    }
    grace = left();
  }
  if (request.turn !== undefined && grace > 0) {
    await orAbort(request.turn(grace), request.signal);
    grace = Math.min(grace, (request.graceSeconds ?? graceOf(pod, spec, request.reason)) - Math.ceil((deps.clock.now() - startedMs) / 1000));
  }
  await orAbort(stop(deps.runtime, container.id, Math.max(grace, shortestGraceSeconds)), request.signal);
}

async function stop(runtime: RuntimeService, id: string, graceSeconds: number): Promise<void> {
  try {
    await runtime.stopContainer(id, graceSeconds);
  } catch (error) {
    // It is gone: all the better.
    if (!(error instanceof RuntimeError && error.code === "NOT_FOUND")) throw error;
  }
}

function graceOf(pod: Pod | undefined, spec: Container | EphemeralContainer | undefined, reason: KillReason | undefined): number {
  if (pod === undefined) return 1;
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  const own = reason === "LivenessProbe" ? spec?.livenessProbe : reason === "StartupProbe" ? spec?.startupProbe : undefined;
  return own?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
