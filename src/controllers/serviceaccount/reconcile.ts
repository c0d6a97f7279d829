import { namespaces, serviceAccounts } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueSelf } from "../enqueue.ts";
import { isNamespaceTerminating } from "../failures.ts";
import { missingNames } from "./plan.ts";

export interface ServiceAccountOptions {
  /** What every namespace has; `default` when absent. */
  readonly names?: readonly string[];
}

/** Makes the `default` service account of every namespace. @upstream pkg/controller/serviceaccount/serviceaccounts_controller.go */
export function serviceAccountController(deps: ControllerDeps, { names = ["default"] }: ServiceAccountOptions = {}): Controller {
  const namespaceInformer = deps.informers.informer(namespaces);
  const accountInformer = deps.informers.informer(serviceAccounts);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const missing = missingNames(namespaceInformer.lister.get(key), names, (name) => accountInformer.lister.get(`${key}/${name}`) !== undefined);
    for (const name of missing) {
      try {
        await deps.client.create(serviceAccounts, { metadata: { name, namespace: key } }, { namespace: key, signal });
      } catch (error) {
        if (!hasReason(error, "AlreadyExists") && !isNamespaceTerminating(error) && !hasReason(error, "NotFound")) throw error;
      }
    }
  }

  function setup(queue: Enqueue): void {
    enqueueSelf(queue, namespaceInformer);
    accountInformer.subscribe({
      deleted: ({ metadata: { namespace } }) => {
        if (namespace !== undefined) queue.add(namespace);
      },
    });
  }

  return { name: "serviceaccount", setup, reconcile };
}
