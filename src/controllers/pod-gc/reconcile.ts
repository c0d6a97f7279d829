import { nodes, pods } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { disruptAndDelete } from "../pods/disruption.ts";
import { planPodGc } from "./plan.ts";

export interface PodGcOptions {
  /** 12500 when absent, as upstream's --terminated-pod-gc-threshold. */
  readonly terminatedThreshold?: number;
  readonly periodMs?: number;
  /** How long a node must be missing before its pods go; 40 s when absent. */
  readonly quarantineMs?: number;
}

const onlyKey = "pods";

/** Deletes pods that nobody else will: too many finished ones, those of vanished nodes, unscheduled ones that should end. @upstream pkg/controller/podgc/gc_controller.go */
export function podGarbageCollector(deps: ControllerDeps, options: PodGcOptions = {}): Controller {
  const { terminatedThreshold = 12_500, periodMs = 20_000, quarantineMs = 40_000 } = options;
  const podInformer = deps.informers.informer(pods);
  const nodeInformer = deps.informers.informer(nodes);
  const missingSince = new Map<string, number>();
  const late = new LateQueue();
  const labels = ["namespace", "reason"];
  const deletions = deps.metrics.counter("pod_gc_collector_force_delete_pods_total", "Pods deleted without grace, by why they were", labels);
  const failures = deps.metrics.counter("pod_gc_collector_force_delete_pod_errors_total", "Such pods that could not be deleted", labels);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    late.addAfter(key, periodMs);
    const { doomed, nodeless } = planPodGc({ pods: podInformer.lister.list(), node: (name) => nodeInformer.lister.get(name), terminatedThreshold });
    for (const { pod, why } of doomed) await remove(pod, why, why === "terminated" ? {} : { fail: true }, signal);
    for (const name of missingSince.keys()) if (!nodeless.has(name)) missingSince.delete(name);
    const nowMs = deps.clock.now();
    for (const [name, stranded] of nodeless) {
      const since = missingSince.get(name) ?? nowMs;
      missingSince.set(name, since);
      if (nowMs - since < quarantineMs || (await nodeExists(name, signal))) continue;
      for (const pod of stranded) await remove(pod, "orphaned", { fail: true, reason: "DeletionByPodGC", message: "PodGC: node no longer exists" }, signal);
    }
  }

  async function nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      await deps.client.get(nodes, name, { signal });
      return true;
    } catch (error) {
      return !hasReason(error, "NotFound");
    }
  }

  async function remove(pod: Pod, why: string, how: { readonly fail?: boolean; readonly reason?: string; readonly message?: string }, signal: AbortSignal): Promise<void> {
    const labelled = [pod.metadata.namespace ?? "", why];
    deletions.inc(labelled);
    try {
      await disruptAndDelete(pod, { ...how, gracePeriodSeconds: 0 }, { client: deps.client, nowMs: deps.clock.now(), signal });
    } catch (error) {
      failures.inc(labelled);
      // The next round comes anyway; one stubborn pod must not keep the others.
      deps.log.warn("a pod could not be collected", { namespace: pod.metadata.namespace, pod: pod.metadata.name, error: messageOf(error) });
    }
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.addAfter(onlyKey, periodMs);
  }

  return { name: "pod-garbage-collector", setup, reconcile };
}
