import type { Pod } from "../../api/generated/types/core-v1.ts";
import { containerFieldPath, podText, type PodContainer } from "../pods/pod-containers.ts";
import { goDuration } from "../go-duration.ts";
import type { MountedVolume } from "../volumes/volume-type.ts";
import type { BackOff } from "./back-off.ts";
import type { PodActions } from "./compute-pod-actions.ts";
import { containerHash } from "./container-hash.ts";
import { resourcesText } from "./container-resources.ts";
import { killContainer } from "./kill-container.ts";
import { killPod } from "./kill-pod.ts";
import { linuxResources } from "./linux-resources.ts";
import { describeSandbox, makeSandbox, type SandboxDeps } from "./make-sandbox.ts";
import type { RuntimeCache } from "./runtime-cache.ts";
import { currentContainer, emptyRuntimePod, readySandbox, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";
import { startContainer, type StartDeps } from "./start-container.ts";
import { StartError } from "./start-error.ts";

export interface ApplyDeps extends SandboxDeps, StartDeps {
  readonly cache: RuntimeCache;
  readonly restartBackOff: BackOff;
  hostIPs(): readonly string[];
}

export interface ApplyRequest {
  readonly pod: Pod;
  readonly actions: PodActions;
  readonly cgroupParent: string;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly signal: AbortSignal;
  /** Said of each container that was tried: an error, or none. */
  started(name: string, error: StartError | undefined): void;
  /** A running container has these resources now. */
  resized(container: RuntimeContainer, resources: string): void;
  /** Something has changed that the status should show before more is done. */
  progress(): Promise<void> | void;
}

/** When to look again at the latest; undefined when everything went well. */
export interface ApplyResult {
  readonly retryAfterMs: number | undefined;
}

const defaultRetryMs = 10_000;

/** Carries out one step. @upstream pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod */
export async function applyPodActions(request: ApplyRequest, deps: ApplyDeps): Promise<ApplyResult> {
  const { pod, actions, signal } = request;
  const uid = pod.metadata.uid ?? "";
  const before = deps.cache.get(uid) ?? emptyRuntimePod(uid, pod.metadata.name ?? "", pod.metadata.namespace ?? "");
  if (actions.killPod) {
    if (actions.createSandbox && before.sandboxes.length > 0) deps.recorder.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    await killPod({ pod, runtimePod: before, signal }, deps);
    if (!actions.createSandbox) {
      await deps.cache.refresh(uid);
      return { retryAfterMs: undefined };
    }
  }
  const podIP = readySandbox(before)?.ips[0] ?? "";
  await Promise.all(actions.toKill.map(({ container, message, reason }) => killContainer({ pod, container, podIP, message, reason, signal }, deps)));
  for (const { container, spec } of actions.toResize) {
    await deps.runtime.updateContainerResources(container.id, linuxResources(pod, spec, deps.machine));
    request.resized(container, resourcesText(spec.resources));
  }
  const config = await describeSandbox(pod, { attempt: actions.attempt, cgroupParent: request.cgroupParent, warn: actions.createSandbox }, deps);
  let { sandboxId } = actions;
  if (sandboxId === undefined) sandboxId = await makeSandbox(pod, config, deps);
  const present = (await deps.cache.refresh(uid)) ?? before;
  if (actions.createSandbox) await request.progress();

  const starts = [
    ...actions.ephemeralToStart.map((container): PodContainer => ({ kind: "ephemeral", container })),
    ...actions.initToStart.map((container): PodContainer => ({ kind: "init", container })),
    ...actions.appsToStart.map((container): PodContainer => ({ kind: "app", container })),
  ];
  let retryAfterMs: number | undefined;
  const ips = pod.spec.hostNetwork === true ? deps.hostIPs() : (readySandbox(present)?.ips ?? []);
  await dropOldInstances(starts, present, deps);
  for (const target of starts) {
    signal.throwIfAborted();
    try {
      checkBackOff(pod, target, present, deps);
      await startContainer(
        {
          pod,
          target,
          runtimePod: present,
          sandboxId,
          sandboxConfig: config,
          podIPs: ips,
          volumes: request.volumes,
          signal,
          waiting: () => void request.progress(),
        },
        deps,
      );
      request.started(target.container.name, undefined);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      request.started(target.container.name, error);
      retryAfterMs = Math.min(retryAfterMs ?? Number.POSITIVE_INFINITY, error.retryAfterMs ?? defaultRetryMs);
      // Init containers come one after another: what follows waits for this one.
      if (target.kind === "init") break;
    }
  }
  await deps.cache.refresh(uid);
  return { retryAfterMs };
}

/** Throws while a container that crashed has to wait. @upstream pkg/kubelet/kuberuntime/kuberuntime_manager.go doBackOff */
function checkBackOff(pod: Pod, target: PodContainer, present: RuntimePod, deps: ApplyDeps): void {
  const { container } = target;
  const last = present.containers.find(({ name, state }) => name === container.name && state === "exited");
  if (last === undefined) return;
  const key = `${pod.metadata.uid}_${container.name}_${containerHash(container)}`;
  const times = { eventMs: last.finishedMs, nowMs: deps.clock.now() };
  const waitMs = deps.restartBackOff.remainingMs(key, times);
  if (waitMs === 0) {
    deps.restartBackOff.next(key, times);
    return;
  }
  deps.recorder.event(pod, "Warning", "BackOff", `Back-off restarting failed container ${container.name} in pod ${podText(pod)}`, { fieldPath: containerFieldPath(target) });
  const delay = goDuration(deps.restartBackOff.delayOf(key));
  throw new StartError("CrashLoopBackOff", `back-off ${delay} restarting failed container=${container.name} pod=${podText(pod)}`, { retryAfterMs: waitMs });
}

/** Of an init container that runs again only the last instance stays, for its log. */
async function dropOldInstances(starts: readonly PodContainer[], present: RuntimePod, deps: ApplyDeps): Promise<void> {
  for (const { container } of starts.filter(({ kind }) => kind === "init")) {
    const current = currentContainer(present, container.name);
    for (const old of present.containers) {
      if (old.name !== container.name || old.id === current?.id || old.state === "running") continue;
      await deps.runtime.removeContainer(old.id).catch(() => {});
    }
  }
}
