import { configMaps, namespaces } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys, enqueueSelf } from "../enqueue.ts";
import { isNamespaceTerminating } from "../failures.ts";
import { planRootCa, rootCaName } from "./plan.ts";

export interface RootCaOptions {
  /** PEM bundle that signed the API server's certificate. */
  readonly caPem: string;
}

/** Puts the cluster's CA into every namespace, where pods' service account volumes take it from. @upstream pkg/controller/certificates/rootcacertpublisher */
export function rootCaPublisher(deps: ControllerDeps, { caPem }: RootCaOptions): Controller {
  const namespaceInformer = deps.informers.informer(namespaces);
  const mapInformer = deps.informers.informer(configMaps, { fieldSelector: `metadata.name=${rootCaName}` });

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const current = mapInformer.lister.get(`${key}/${rootCaName}`);
    const next = planRootCa(namespaceInformer.lister.get(key), current, caPem);
    if (next === undefined) return;
    const place = { namespace: key, signal };
    try {
      if (current === undefined) await deps.client.create(configMaps, next, place);
      else await deps.client.update(configMaps, next, place);
    } catch (error) {
      if (!hasReason(error, "AlreadyExists") && !isNamespaceTerminating(error) && !hasReason(error, "NotFound")) throw error;
    }
  }

  function setup(queue: Enqueue): void {
    enqueueSelf(queue, namespaceInformer);
    enqueueKeys(queue, mapInformer, ({ metadata: { namespace } }) => (namespace === undefined ? [] : [namespace]));
  }

  return { name: "root-ca-certificate-publisher", setup, reconcile };
}
