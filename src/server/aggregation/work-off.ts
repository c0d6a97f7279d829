import type { Logger } from "../../base/log.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import { hasReason } from "../../meta/status-error.ts";

export interface WorkOffOptions {
  readonly workers: number;
  /** What is worked on, for the log. */
  readonly what: string;
}

/** Works on the keys of a queue until the signal aborts; what fails is tried again, later each time. */
export async function workOff(
  queue: WorkQueue,
  { workers, what }: WorkOffOptions,
  work: (key: string) => Promise<void>,
  deps: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const { log, signal } = deps;
  const stop = (): void => queue.shutDown();
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const worker = async (): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        await work(key);
        queue.forget(key);
      } catch (error) {
        if (!signal.aborted) {
          // Somebody else wrote meanwhile: the next look sees it.
          if (!hasReason(error, "Conflict") && !hasReason(error, "NotFound")) log.debug("not settled", { what, key, error });
          queue.addRateLimited(key);
        }
      } finally {
        queue.done(key);
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
