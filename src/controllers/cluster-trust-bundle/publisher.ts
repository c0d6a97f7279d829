import { clusterTrustBundles } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueSelf } from "../enqueue.ts";

const signerName = "kubernetes.io/kube-apiserver-serving";
const prefix = "kubernetes.io:kube-apiserver-serving:";

export interface TrustBundleOptions {
  /** PEM bundle that signed the API server's certificate. */
  readonly caPem: string;
  /** Some characters that stand for a text, and change with it; lower case and digits. */
  hash(text: string): string;
}

/** @upstream pkg/controller/certificates/clustertrustbundlepublisher */
export function trustBundlePublisher(deps: ControllerDeps, { caPem, hash }: TrustBundleOptions): Controller {
  const bundles = deps.informers.informer(clusterTrustBundles, { fieldSelector: `spec.signerName=${signerName}` });
  const name = `${prefix}${hash(caPem)}`;

  async function reconcile(_key: string, signal: AbortSignal): Promise<void> {
    const current = bundles.lister.get(name);
    if (current === undefined)
      await deps.client.create(clusterTrustBundles, { metadata: { name }, spec: { signerName, trustBundle: caPem } }, { signal }).catch((error: unknown) => {
        if (!hasReason(error, "AlreadyExists")) throw error;
      });
    else if (current.spec.trustBundle !== caPem) await deps.client.update(clusterTrustBundles, { ...current, spec: { signerName, trustBundle: caPem } }, { signal });
    // Those of an earlier authority.
    for (const { metadata } of bundles.lister.list()) {
      if (metadata.name === name || metadata.name?.startsWith(prefix) !== true) continue;
      await deps.client.delete(clusterTrustBundles, metadata.name, { signal }).catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      });
    }
  }

  function setup(queue: Enqueue): void {
    enqueueSelf({ add: () => queue.add("bundle") }, bundles);
    queue.add("bundle");
  }

  return { name: "kube-apiserver-serving-clustertrustbundle-publisher", setup, reconcile };
}
