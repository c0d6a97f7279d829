import { jobs } from "../../api/generated/resources.ts";
import { exponentialBuckets } from "../../base/metrics.ts";
import { splitKey } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { timeLeftMs } from "./plan.ts";

/** Deletes finished jobs, and their pods with them, once their time is over. @upstream pkg/controller/ttlafterfinished */
export function ttlAfterFinishedController(deps: ControllerDeps): Controller {
  const jobInformer = deps.informers.informer(jobs);
  const late = new LateQueue();
  const delays = deps.metrics.histogram(
    "ttl_after_finished_controller_job_deletion_duration_seconds",
    "How long after its time was over a job was deleted",
    exponentialBuckets(0.1, 2, 14),
  );

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const cached = jobInformer.lister.get(key);
    if (cached === undefined) return;
    const left = timeLeftMs(cached, deps.clock.now());
    if (left === undefined) return;
    if (left > 0) {
      late.addAfter(key, left);
      return;
    }
    const { namespace, name } = splitKey(key);
    try {
      // The time to live may have been changed; a job that is gone cannot be brought back.
      const live = await deps.client.get(jobs, name, { namespace, signal });
      const stillLeft = timeLeftMs(live, deps.clock.now());
      if (stillLeft === undefined || stillLeft > 0) return;
      await deps.client.delete(jobs, name, { namespace, signal, propagationPolicy: "Foreground", preconditions: { uid: live.metadata.uid ?? "" } });
      delays.observe(Math.max(0, -stillLeft) / 1000);
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    enqueueSelf(queue, jobInformer);
  }

  return { name: "ttl-after-finished", workers: 5, setup, reconcile };
}
