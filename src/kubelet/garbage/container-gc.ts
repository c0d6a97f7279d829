import type { RuntimePod } from "../runtime/runtime-pod.ts";

/** Containers and sandboxes that nobody needs any more, by id, with the logs that go with them. */
export interface Garbage {
  readonly containers: readonly { readonly id: string; readonly logPath: string }[];
  readonly sandboxes: readonly string[];
}

/**
 * What may go of one pod: of each container all but the newest `keepDead` of its dead instances, and sandboxes that are
 * neither the newest nor hold anything. Of a pod that is gone: everything. @upstream pkg/kubelet/kuberuntime/kuberuntime_gc.go
 */
export function podGarbage(pod: RuntimePod, options: { readonly gone: boolean; readonly keepDead: number; readonly nowMs: number; readonly minimumAgeMs: number }): Garbage {
  const dead = pod.containers.filter(({ state }) => state !== "running");
  const containers = options.gone
    ? dead
    : dead.filter((container) => {
        const newer = pod.containers.filter((other) => other.name === container.name && (other.restartCount > container.restartCount || other.createdMs > container.createdMs));
        const newerDead = newer.filter(({ state }) => state !== "running").length;
        return newer.length > 0 && newerDead >= options.keepDead && options.nowMs - container.createdMs >= options.minimumAgeMs;
      });
  const removed = new Set(containers.map(({ id }) => id));
  const sandboxes = pod.sandboxes.filter(
    (sandbox, index) => (options.gone || (index > 0 && !sandbox.ready)) && !pod.containers.some((container) => container.sandboxId === sandbox.id && !removed.has(container.id)),
  );
  return { containers: containers.map(({ id, logPath }) => ({ id, logPath })), sandboxes: sandboxes.map(({ id }) => id) };
}
