import { aborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { InformerFactory } from "../client/informer.ts";
import { WorkQueue } from "../client/work-queue.ts";
import { hasReason } from "../meta/status-error.ts";
import { type Controller, TerminalError } from "./controller.ts";

export interface RunControllersDeps {
  /** Must be run by someone else: other components share it. */
  readonly informers: Pick<InformerFactory, "waitForSync">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Sets every controller up, waits for the informers they asked for, then reconciles until the signal aborts; resolves
 * when the last reconcile has returned. A key that throws is tried again with growing delay, for ever; a lost race
 * (Conflict) does so without a word, since the cache only had to catch up. A setup that throws rejects at once.
 */
export async function runControllers(controllers: readonly Controller[], deps: RunControllersDeps, signal: AbortSignal): Promise<void> {
  const running = controllers.map((controller) => ({ controller, queue: new WorkQueue({ name: controller.name }, deps) }));
  const stop = (): void => {
    for (const { queue } of running) queue.shutDown();
  };
  try {
    for (const { controller, queue } of running) controller.setup(queue);
    await deps.informers.waitForSync(signal);
    const workers = running.flatMap(({ controller, queue }) => Array.from({ length: controller.workers ?? 1 }, () => work(controller, queue, deps.log, signal)));
    await aborted(signal);
    stop();
    await Promise.all(workers);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
  }
}

async function work(controller: Controller, queue: WorkQueue, parentLog: Logger, signal: AbortSignal): Promise<void> {
  const log = parentLog.with({ controller: controller.name });
  for (;;) {
    const key = await queue.take();
    if (key === undefined) return;
    try {
      await controller.reconcile(key, signal);
      queue.forget(key);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TerminalError) {
        log.error("reconcile failed for good", { key, error });
        queue.forget(key);
      } else {
        if (hasReason(error, "Conflict")) log.debug("reconcile lost a race", { key, error });
        else log.error("reconcile failed", { key, error, failures: queue.failures(key) + 1 });
        queue.addRateLimited(key);
      }
    } finally {
      queue.done(key);
    }
  }
}
