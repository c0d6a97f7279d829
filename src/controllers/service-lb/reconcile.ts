import { endpointSlices, nodes, services } from "../../api/generated/resources.ts";
import type { LoadBalancerIngress, Service } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { keyOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { serviceNameLabel } from "../endpointslice/plan.ts";
import { enqueueKeys, enqueueSelf } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { updateStatus } from "../update-status.ts";
import { AddressPool, canonicalIp } from "./address-pool.ts";
import { cleanupFinalizer, fromNodes, fromPool, isOurs, NoAddress } from "./plan.ts";

export interface ServiceLbOptions {
  /** `192.168.1.240/28,10.0.0.5-10.0.0.9`; absent or empty: the nodes' own addresses. */
  readonly pool?: string;
  /** Services of this class are served besides those that name none. */
  readonly loadBalancerClass?: string;
}

const sliceIndex = "service-lb";

/** Gives services of type LoadBalancer their addresses, and takes them back. Events and finalizer as @upstream cloud-provider/controllers/service/controller.go */
export function serviceLbController(deps: ControllerDeps, options: ServiceLbOptions = {}): Controller {
  const { client, recorder } = deps;
  const pool = new AddressPool(options.pool ?? "");
  const serviceInformer = deps.informers.informer(services);
  const nodeInformer = deps.informers.informer(nodes);
  const sliceInformer = deps.informers.informer(endpointSlices);
  /** What was given and may not be seen in the cache yet. */
  const given = new Map<string, readonly string[]>();

  const ours = (service: Service): boolean => isOurs(service, options.loadBalancerClass);
  const ingressOf = (service: Service): readonly LoadBalancerIngress[] => service.status?.loadBalancer?.ingress ?? [];

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = serviceInformer.lister.get(key);
    if (service === undefined) {
      given.delete(key);
      return;
    }
    if (service.metadata.deletionTimestamp !== undefined || !ours(service)) {
      given.delete(key);
      if (service.metadata.finalizers?.includes(cleanupFinalizer) === true) await cleanUp(service, signal);
      return;
    }
    let ingress: readonly LoadBalancerIngress[];
    try {
      ingress = choose(key, service);
    } catch (error) {
      if (!(error instanceof NoAddress)) throw error;
      recorder.event(service, "Warning", "SyncLoadBalancerFailed", `Error syncing load balancer: failed to ensure load balancer: ${messageOf(error)}`);
      given.delete(key);
      await publish(service, [], signal);
      throw error;
    }
    if (deepEqual(ingressOf(service), ingress) && service.metadata.finalizers?.includes(cleanupFinalizer) === true) return;
    given.set(
      key,
      ingress.map(({ ip = "" }) => ip),
    );
    const first = ingressOf(service).length === 0;
    if (first) recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
    const kept = await addFinalizer(service, signal);
    await publish(kept, ingress, signal);
    if (first) recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
    else recorder.event(service, "Normal", "UpdatedLoadBalancer", "Updated load balancer with new hosts");
  }

  function choose(key: string, service: Service): readonly LoadBalancerIngress[] {
    const others = serviceInformer.lister.list().filter((other) => keyOf(other) !== key && ours(other) && other.metadata.deletionTimestamp === undefined);
    if (pool.isEmpty) return fromNodes(service, nodeInformer.lister.list(), others, endpointNodes(key));
    const taken = new Set<string>();
    for (const [other, ips] of given) if (other !== key) for (const ip of ips) taken.add(ip);
    for (const other of others) for (const { ip } of ingressOf(other)) if (ip !== undefined) taken.add(canonicalIp(ip));
    return fromPool(service, pool, taken);
  }

  function endpointNodes(key: string): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { endpoints = [] } of sliceInformer.lister.byIndex(sliceIndex, key)) {
      for (const { nodeName, conditions } of endpoints) if (nodeName !== undefined && conditions?.ready !== false) names.add(nodeName);
    }
    return names;
  }

  async function addFinalizer(service: Service, signal: AbortSignal): Promise<Service> {
    const finalizers = service.metadata.finalizers ?? [];
    if (finalizers.includes(cleanupFinalizer)) return service;
    const value = { metadata: { resourceVersion: service.metadata.resourceVersion, finalizers: [...finalizers, cleanupFinalizer] } };
    return client.patch(services, service.metadata.name ?? "", { type: "merge", value }, { namespace: service.metadata.namespace, signal });
  }

  async function publish(service: Service, ingress: readonly LoadBalancerIngress[], signal: AbortSignal): Promise<void> {
    await updateStatus(client, services, service, {
      signal,
      next: (live) => (deepEqual(ingressOf(live), ingress) ? undefined : { ...live, status: { ...live.status, loadBalancer: ingress.length === 0 ? {} : { ingress } } }),
    });
  }

  async function cleanUp(service: Service, signal: AbortSignal): Promise<void> {
    recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
    const place = { namespace: service.metadata.namespace, signal };
    try {
      await publish(service, [], signal);
      const live = await client.get(services, service.metadata.name ?? "", place);
      const finalizers = (live.metadata.finalizers ?? []).filter((name) => name !== cleanupFinalizer);
      const value = { metadata: { resourceVersion: live.metadata.resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } };
      await client.patch(services, service.metadata.name ?? "", { type: "merge", value }, place);
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
    recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
  }

  function setup(queue: Enqueue): void {
    deps.informers.addIndex(sliceInformer, sliceIndex, ({ metadata: { namespace, labels } }) => {
      const name = labels?.[serviceNameLabel];
      return name === undefined ? [] : [`${namespace}/${name}`];
    });
    enqueueSelf(queue, serviceInformer);
    const enqueueAll = (): void => {
      for (const service of serviceInformer.lister.list()) if (ours(service)) queue.add(keyOf(service));
    };
    // An address or port that comes free may be what another service waits for.
    serviceInformer.subscribe({ deleted: enqueueAll });
    if (!pool.isEmpty) return;
    enqueueKeys({ add: enqueueAll }, nodeInformer, () => ["all"]);
    enqueueKeys(queue, sliceInformer, ({ metadata: { namespace, labels } }) => {
      const service = serviceInformer.lister.get(`${namespace}/${labels?.[serviceNameLabel] ?? ""}`);
      return service !== undefined && ours(service) && service.spec?.externalTrafficPolicy === "Local" ? [keyOf(service)] : [];
    });
  }

  return { name: "service-lb", setup, reconcile };
}
