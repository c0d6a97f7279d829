import { deviceClasses, persistentVolumeClaims, pods, resourceClaims, resourceQuotas, services } from "../../api/generated/resources.ts";
import type { ResourceQuota } from "../../api/generated/types/core-v1.ts";
import { isDeviceQuota } from "../../api/quota/device-usage.ts";
import { ResourceClasses } from "../../api/resource/resource-classes.ts";
import { deepEqual } from "../../base/values.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf, type KubeObject } from "../../meta/object.ts";
import { groupResourceText, type Resource } from "../../meta/resource.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { discoverResources } from "../discover-resources.ts";
import { enqueueKeys, LateQueue } from "../enqueue.ts";
import { updateStatus } from "../update-status.ts";
import { countedResource, countsOtherwise, quotaStatus } from "./plan.ts";

/** All quotas are counted anew this often, whatever was missed. */
const resyncMs = 5 * 60_000;
/** How soon a quota whose resources are not listed yet is looked at again. */
const unsyncedMs = 500;

/** Counts what namespaces use of their quotas. @upstream pkg/controller/resourcequota */
export function resourceQuotaController(deps: ControllerDeps): Controller {
  const { client, clock, informers } = deps;
  const quotas = informers.informer(resourceQuotas);
  const podInformer = informers.informer(pods);
  const serviceInformer = informers.informer(services);
  const claimInformer = informers.informer(persistentVolumeClaims);
  const deviceClaimInformer = informers.informer(resourceClaims);
  const classInformer = informers.informer(deviceClasses);
  const classes = new ResourceClasses(() => classInformer.lister.list());
  const late = new LateQueue();
  /** Informers of resources that some quota counts, by `deployments.apps`; undefined: there is no such resource. */
  const counted = new Map<string, Informer<KubeObject>>();

  const quotasIn = ({ metadata: { namespace = "" } }: KubeObject): readonly string[] => quotas.lister.inNamespace(namespace).map(keyOf);

  const countsDevices = (key: string): boolean => Object.keys(quotas.lister.get(key)?.spec.hard ?? {}).some((name) => isDeviceQuota(name, classes));

  async function watchCounted(quota: ResourceQuota): Promise<void> {
    for (const [name, { ended }] of counted) if (ended) counted.delete(name);
    const wanted = Object.keys(quota.spec.hard ?? {})
      .map(countedResource)
      .filter((name) => name !== undefined && name !== "pods" && !counted.has(name));
    if (wanted.length === 0) return;
    const { resources } = await discoverResources(client);
    for (const resource of resources) {
      const name = groupResourceText(resource);
      if (!wanted.includes(name) || counted.has(name) || !resource.namespaced || !resource.verbs.includes("watch")) continue;
      const handle: Resource<KubeObject> = resource;
      const informer = informers.informer(handle);
      counted.set(name, informer);
      enqueueKeys(late, informer, quotasIn);
    }
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const quota = quotas.lister.get(key);
    if (quota === undefined) return;
    const { namespace = "" } = quota.metadata;
    await watchCounted(quota);
    const names = Object.keys(quota.spec.hard ?? {}).map(countedResource);
    if (names.some((name) => name !== undefined && counted.get(name)?.synced === false)) {
      late.addAfter(key, unsyncedMs);
      return;
    }
    const status = quotaStatus({
      quota,
      pods: podInformer.lister.inNamespace(namespace),
      services: serviceInformer.lister.inNamespace(namespace),
      claims: claimInformer.lister.inNamespace(namespace),
      deviceClaims: deviceClaimInformer.lister.inNamespace(namespace),
      classes,
      countOf: (resource) => counted.get(resource)?.lister.inNamespace(namespace).length,
      nowMs: clock.now(),
    });
    let charged = false;
    await updateStatus(client, resourceQuotas, quota, {
      signal,
      next(live) {
        // Admission has charged for an object meanwhile that may not have been counted here.
        charged = live.metadata.resourceVersion !== quota.metadata.resourceVersion;
        return charged || deepEqual(live.status, status) ? undefined : { ...live, status };
      },
    });
    late.addAfter(key, charged ? unsyncedMs : resyncMs);
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    // Its own status writes bring nothing new.
    quotas.subscribe({
      added: (quota) => queue.add(keyOf(quota)),
      updated: (previous, quota) => {
        if (!deepEqual(previous.spec, quota.spec)) queue.add(keyOf(quota));
      },
    });
    enqueueKeys(queue, podInformer, quotasIn, { dependsOn: ({ metadata }) => metadata.namespace, isNews: countsOtherwise });
    enqueueKeys(queue, serviceInformer, quotasIn);
    enqueueKeys(queue, claimInformer, quotasIn);
    enqueueKeys(queue, deviceClaimInformer, (claim) => quotasIn(claim).filter(countsDevices));
    // What a class stands for says which claims count.
    const classChanged = (): void => {
      classes.changed();
      for (const quota of quotas.lister.list()) if (Object.keys(quota.spec.hard ?? {}).some((name) => name.startsWith("requests."))) queue.add(keyOf(quota));
    };
    classInformer.subscribe({ added: classChanged, updated: classChanged, deleted: classChanged });
  }

  return { name: "resourcequota", workers: 5, setup, reconcile };
}
