import type { Pod } from "../../api/generated/types/core-v1.ts";
import { RuntimeError } from "../../cri/runtime.ts";
import { isSidecar } from "../pods/pod-containers.ts";
import { killContainer, type KillDeps } from "./kill-container.ts";
import { readySandbox, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";
import { within } from "./within.ts";

export interface KillPodRequest {
  readonly pod: Pod | undefined;
  readonly runtimePod: RuntimePod;
  readonly graceSeconds?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Stops all containers at once, sidecars after those they serve and in reverse order, then the sandboxes. Throws when
 * something could not be stopped. @upstream pkg/kubelet/kuberuntime/kuberuntime_manager.go killPodWithSyncResult
 */
export async function killPod(request: KillPodRequest, deps: KillDeps): Promise<void> {
  const { pod, runtimePod } = request;
  const podIP = readySandbox(runtimePod)?.ips[0] ?? "";
  const running = runtimePod.containers.filter(({ state }) => state === "running" || state === "unknown");
  const sidecars = (pod?.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const ended = new Map<string, Promise<void>>();
  const open = new Map<string, () => void>();
  for (const { name } of running) {
    ended.set(
      name,
      new Promise((resolve) => {
        open.set(name, resolve);
      }),
    );
  }
  const results = await Promise.allSettled(
    running.map(async (container) => {
      try {
        await killContainer(
          {
            pod,
            container,
            podIP,
            graceSeconds: request.graceSeconds,
            signal: request.signal,
            ...(sidecars.includes(container.name) ? { turn: (grace: number) => turnOf(container, { running, sidecars, ended, grace, deps, signal: request.signal }) } : {}),
          },
          deps,
        );
      } finally {
        open.get(container.name)?.();
      }
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  for (const sandbox of runtimePod.sandboxes) {
    try {
      await deps.runtime.stopPodSandbox(sandbox.id);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === "NOT_FOUND")) throw error;
    }
  }
}

/** A sidecar waits for all that are no sidecars, and for the sidecars that were started after it. */
async function turnOf(
  container: RuntimeContainer,
  options: {
    readonly running: readonly RuntimeContainer[];
    readonly sidecars: readonly string[];
    readonly ended: ReadonlyMap<string, Promise<void>>;
    readonly grace: number;
    readonly deps: KillDeps;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const own = options.sidecars.indexOf(container.name);
  const before = options.running.filter(({ name }) => name !== container.name && (!options.sidecars.includes(name) || options.sidecars.indexOf(name) > own));
  if (before.length === 0) return;
  const all = Promise.all(before.map(({ name }) => options.ended.get(name) ?? Promise.resolve())).then(() => {});
  await within(all, options.grace * 1000, { clock: options.deps.clock, signal: options.signal });
}
