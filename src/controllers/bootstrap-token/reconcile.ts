import { configMaps, secrets } from "../../api/generated/resources.ts";
import type { ConfigMap } from "../../api/generated/types/core-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { enqueueKeys, enqueueSelf, LateQueue } from "../enqueue.ts";
import { clusterInfoName, type Hmac, holdsForMs, signed, tokenType } from "./plan.ts";

const selection = { namespace: "kube-system", fieldSelector: `type=${tokenType}` };

/** Deletes tokens when they are over. @upstream pkg/controller/bootstrap/tokencleaner.go */
export function tokenCleaner(deps: ControllerDeps): Controller {
  const tokens = deps.informers.informer(secrets, selection);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const secret = tokens.lister.get(key);
    const holdsMs = secret === undefined ? undefined : holdsForMs(secret, deps.clock.now());
    if (secret === undefined || holdsMs === undefined) return;
    if (holdsMs > 0) {
      late.addAfter(key, holdsMs);
      return;
    }
    await deps.client
      .delete(secrets, secret.metadata.name ?? "", { namespace: "kube-system", signal, preconditions: { uid: secret.metadata.uid ?? "" } })
      .catch((error: unknown) => {
        if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
      });
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    enqueueSelf(queue, tokens);
  }

  return { name: "token-cleaner", setup, reconcile };
}

export interface BootstrapSignerOptions {
  /** The cluster's address and CA, as a kubeconfig without users: what whoever joins must know. */
  readonly kubeconfig: string;
  readonly hmac: Hmac;
}

/** Publishes where the cluster is, signed for each token. @upstream pkg/controller/bootstrap/bootstrapsigner.go */
export function bootstrapSigner(deps: ControllerDeps, { kubeconfig, hmac }: BootstrapSignerOptions): Controller {
  const tokens = deps.informers.informer(secrets, selection);
  const maps = deps.informers.informer(configMaps, { namespace: "kube-public", fieldSelector: `metadata.name=${clusterInfoName}` });
  const late = new LateQueue();

  async function reconcile(_key: string, signal: AbortSignal): Promise<void> {
    const place = { namespace: "kube-public", signal };
    const current = maps.lister.get(`kube-public/${clusterInfoName}`);
    const nowMs = deps.clock.now();
    const map: ConfigMap = current ?? { apiVersion: "v1", kind: "ConfigMap", metadata: { name: clusterInfoName, namespace: "kube-public" }, data: { kubeconfig } };
    const next = signed(map, tokens.lister.list(), nowMs, hmac);
    // A signature goes when its token is over, not only when the token is deleted.
    const ends = tokens.lister.list().flatMap((secret) => holdsForMs(secret, nowMs) ?? []);
    const soonest = Math.min(...ends.filter((ms) => ms > 0));
    if (Number.isFinite(soonest)) late.addAfter(clusterInfoName, soonest);
    try {
      if (current === undefined) await deps.client.create(configMaps, next, place);
      else if (next !== current) await deps.client.update(configMaps, next, place);
    } catch (error) {
      if (!hasReason(error, "AlreadyExists")) throw error;
    }
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.add(clusterInfoName);
    enqueueKeys(queue, tokens, () => [clusterInfoName]);
    enqueueKeys(queue, maps, () => [clusterInfoName]);
  }

  return { name: "bootstrap-signer", setup, reconcile };
}
