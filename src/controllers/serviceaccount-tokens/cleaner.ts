import { configMaps, pods, secrets, serviceAccounts } from "../../api/generated/resources.ts";
import type { Pod, Secret } from "../../api/generated/types/core-v1.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { LateQueue } from "../enqueue.ts";
import { accountOf, cleaningOf, dayMs, dayOf, invalidSinceLabel, tokenType } from "./plan.ts";

const namespace = "kube-system";
const name = "kube-apiserver-legacy-service-account-token-tracking";
const cleanKey = "clean";
const cleanPeriodMs = 86_400_000;

/** Takes away tokens that were made with an account and that nobody has used for long. @upstream pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go */
export function legacyTokenCleaner(deps: ControllerDeps): Controller {
  const secretInformer = deps.informers.informer(secrets, { fieldSelector: `type=${tokenType}` });
  const accountInformer = deps.informers.informer(serviceAccounts);
  const podInformer = deps.informers.informer(pods);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    late.addAfter(key, cleanPeriodMs);
    const nowMs = deps.clock.now();
    // A day later: it may have begun at the day's end.
    const trackedMs = (await trackedSince(signal)) + 86_400_000;
    for (const secret of secretInformer.lister.list()) {
      const { namespace: place = "", name: own = "", uid = "", resourceVersion = "" } = secret.metadata;
      const account = accountInformer.lister.get(`${place}/${accountOf(secret)?.name ?? ""}`);
      const isMounted = podInformer.lister.inNamespace(place).some((pod) => mounts(pod, own));
      const cleaning = cleaningOf(secret, { account, isMounted, trackedMs, nowMs });
      if (cleaning === "keep") continue;
      try {
        if (cleaning === "delete") await deps.client.delete(secrets, own, { namespace: place, preconditions: { uid, resourceVersion }, signal });
        else await deps.client.update(secrets, marked(secret, nowMs), { namespace: place, signal });
      } catch (error) {
        if (!hasReason(error, "NotFound") && !hasReason(error, "Conflict")) throw error;
      }
    }
  }

  /** Since when uses are noted, in milliseconds since the epoch; written down the first time that it is asked for. */
  async function trackedSince(signal: AbortSignal): Promise<number> {
    const today = dayOf(deps.clock.now());
    try {
      const map = await deps.client.get(configMaps, name, { namespace, signal });
      const since = dayMs(map.data?.["since"]);
      if (since !== undefined) return since;
      await deps.client.update(configMaps, { ...map, data: { ...map.data, since: today } }, { namespace, signal });
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
      await deps.client.create(configMaps, { metadata: { name, namespace }, data: { since: today } }, { namespace, signal });
    }
    return dayMs(today) ?? 0;
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    queue.addAfter(cleanKey, 0);
  }

  return { name: "legacy-serviceaccount-token-cleaner", setup, reconcile };
}

function marked(secret: Secret, nowMs: number): Secret {
  return { ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, [invalidSinceLabel]: dayOf(nowMs) } } };
}

function mounts({ spec }: Pod, secret: string): boolean {
  if (spec.volumes?.some(({ secret: one, projected }) => one?.secretName === secret || projected?.sources?.some((source) => source.secret?.name === secret) === true) === true)
    return true;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return containers.some(
    ({ env, envFrom }) => env?.some(({ valueFrom }) => valueFrom?.secretKeyRef?.name === secret) === true || envFrom?.some(({ secretRef }) => secretRef?.name === secret) === true,
  );
}
