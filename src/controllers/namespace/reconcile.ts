import { namespaces, pods } from "../../api/generated/resources.ts";
import type { Namespace } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { discoveryFailureText } from "../discover-resources.ts";
import { LateQueue } from "../enqueue.ts";
import { updateStatus } from "../update-status.ts";
import { deleteContent } from "./delete-content.ts";
import { namespaceConditions } from "./plan.ts";

const finalizer = "kubernetes";

export interface NamespaceOptions {
  /** How long a deleted namespace is left alone, so that every API server has heard of it; 0 when absent, upstream waits 5 s. */
  readonly deletionDelayMs?: number;
}

/** Empties namespaces that are being deleted and lets go of them. @upstream pkg/controller/namespace/namespace_controller.go */
export function namespaceController(deps: ControllerDeps, options: NamespaceOptions = {}): Controller {
  const { client, clock } = deps;
  const namespaceInformer = deps.informers.informer(namespaces);
  const podInformer = deps.informers.informer(pods);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (namespaceInformer.lister.get(key) === undefined) return;
    let namespace: Namespace;
    try {
      namespace = await client.get(namespaces, key, { signal });
    } catch (error) {
      if (hasReason(error, "NotFound")) return;
      throw error;
    }
    const { deletionTimestamp } = namespace.metadata;
    if (deletionTimestamp === undefined || (namespace.spec.finalizers ?? []).length === 0) return;
    const pass = await deleteContent(key, clock.now() - Date.parse(deletionTimestamp), { client, signal });
    const reported = await updateStatus(client, namespaces, namespace, {
      signal,
      next: (live) => {
        const status = { ...live.status, phase: "Terminating", conditions: namespaceConditions(live.status?.conditions, pass, clock.now()) };
        return deepEqual(status, live.status) ? undefined : { ...live, status };
      },
    });
    if (pass.estimateSeconds > 0) {
      late.addAfter(key, (Math.floor(pass.estimateSeconds / 2) + 1) * 1000);
      return;
    }
    if (pass.deletionFailures.length > 0) throw new Error(pass.deletionFailures.join("; "));
    if (pass.discoveryFailures.size > 0) throw new Error(discoveryFailureText(pass.discoveryFailures));
    const finalizers = (reported.spec.finalizers ?? []).filter((name) => name !== finalizer);
    await client.update(namespaces, { ...reported, spec: { ...reported.spec, finalizers } }, { subresource: "finalize", signal }).catch((error: unknown) => {
      if (!hasReason(error, "NotFound")) throw error;
    });
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    const enqueue = ({ metadata }: Namespace): void => {
      if (metadata.deletionTimestamp !== undefined && metadata.name !== undefined) queue.addAfter(metadata.name, options.deletionDelayMs ?? 0);
    };
    namespaceInformer.subscribe({ added: enqueue, updated: (_previous, namespace) => enqueue(namespace) });
    podInformer.subscribe({
      // The rest waits for the last pod; upstream only looks again after a while.
      deleted({ metadata: { namespace = "" } }) {
        const dying = namespaceInformer.lister.get(namespace)?.metadata.deletionTimestamp !== undefined;
        if (dying && podInformer.lister.inNamespace(namespace).length === 0) queue.add(namespace);
      },
    });
  }

  return { name: "namespace", workers: 10, setup, reconcile };
}
