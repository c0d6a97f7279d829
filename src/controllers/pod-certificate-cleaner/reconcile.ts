import { podCertificateRequests } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { LateQueue } from "../enqueue.ts";

const cleanKey = "clean";
const periodMs = 60_000;
const oldMs = 15 * 60_000;

/** @upstream pkg/controller/certificates/cleaner/pcrcleaner.go */
export function podCertificateCleaner(deps: ControllerDeps): Controller {
  const requests = deps.informers.informer(podCertificateRequests);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    late.addAfter(key, periodMs);
    const beforeMs = deps.clock.now() - oldMs;
    for (const { metadata } of requests.lister.list()) {
      if (Date.parse(metadata.creationTimestamp ?? "") >= beforeMs) continue;
      const { name = "", namespace, uid = "" } = metadata;
      await deps.client.delete(podCertificateRequests, name, { namespace, preconditions: { uid }, signal }).catch((error: unknown) => {
        if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
      });
    }
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.addAfter(cleanKey, 0);
  }

  return { name: "podcertificaterequest-cleaner", setup, reconcile };
}
