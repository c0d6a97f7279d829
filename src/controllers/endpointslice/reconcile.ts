import { endpointSlices, nodes, pods, services } from "../../api/generated/resources.ts";
import type { Pod, Service } from "../../api/generated/types/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { keysWanting } from "../../reconcile/owned.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { enqueueKeys, enqueueSelf, labelsOf, LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { mapMatches } from "../label-match.ts";
import { applySlices } from "../service-endpoints/apply-slices.ts";
import { changesEndpoints } from "../service-endpoints/pod-endpoint.ts";
import { TriggerTimes } from "../service-endpoints/trigger-time.ts";
import { SliceMetrics } from "./metrics.ts";
import { managedBy, managedByLabel, planServiceSlices, serviceNameLabel } from "./plan.ts";

export interface EndpointSliceOptions {
  /** Endpoints per slice; 100 when absent. */
  readonly maxEndpointsPerSlice?: number;
}

const serviceIndex = "endpointslice-service";
/** How soon a service with pods on unknown nodes is looked at again. */
const retryMs = 1000;

/** Keeps the EndpointSlices of services with a selector. @upstream pkg/controller/endpointslice/endpointslice_controller.go */
export function endpointSliceController(deps: ControllerDeps, options: EndpointSliceOptions = {}): Controller {
  const { client, recorder } = deps;
  const serviceInformer = deps.informers.informer(services);
  const podInformer = deps.informers.informer(pods);
  const nodeInformer = deps.informers.informer(nodes);
  const sliceInformer = deps.informers.informer(endpointSlices);
  const expectations = new Expectations({}, { clock: deps.clock });
  const triggers = new TriggerTimes();
  const late = new LateQueue();
  const maxPerSlice = options.maxEndpointsPerSlice ?? 100;
  const metrics = new SliceMetrics({ maxPerSlice, slices: () => sliceInformer.lister.list(), services: () => serviceInformer.lister.list() }, deps.metrics);

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = serviceInformer.lister.get(key);
    if (service === undefined) {
      expectations.forget(key);
      triggers.forget(key);
      return;
    }
    if (service.spec?.type === "ExternalName" || service.spec?.selector === undefined || service.metadata.deletionTimestamp !== undefined) return;
    if (!expectations.satisfied(key)) {
      metrics.synced("stale");
      return;
    }
    const { selector } = service.spec;
    const selected = podInformer.lister.inNamespace(service.metadata.namespace ?? "").filter((pod) => mapMatches(selector, pod.metadata.labels));
    const slices = sliceInformer.lister.byIndex(serviceIndex, key).filter((slice) => slice.metadata.deletionTimestamp === undefined);
    const plan = planServiceSlices({
      service,
      pods: selected,
      node: (name) => nodeInformer.lister.get(name),
      slices,
      triggerTime: triggers.note(key, service, selected),
      maxPerSlice,
    });
    try {
      await applySlices(key, plan, { client, expectations, signal });
    } catch (error) {
      metrics.synced("error");
      recorder.event(service, "Warning", "FailedToUpdateEndpointSlices", `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`);
      throw error;
    }
    metrics.synced("success");
    metrics.applied(plan, slices);
    if (plan.incomplete) late.addAfter(key, retryMs);
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    deps.informers.addIndex(sliceInformer, serviceIndex, ownServiceKeys);
    enqueueSelf(queue, serviceInformer);
    enqueueKeys(queue, podInformer, (pod) => keysWanting(serviceInformer.lister, pod, selects), { dependsOn: labelsOf, isNews: changesEndpoints });
    sliceInformer.subscribe({
      added(slice) {
        for (const key of ownServiceKeys(slice)) expectations.creationObserved(key);
      },
    });
    enqueueKeys(queue, sliceInformer, ownServiceKeys);
  }

  return { name: "endpointslice", workers: 5, setup, reconcile };
}

export function selects({ spec }: Service, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && mapMatches(spec.selector, metadata.labels);
}

function ownServiceKeys(slice: EndpointSlice): readonly string[] {
  const labels = slice.metadata.labels ?? {};
  const service = labels[serviceNameLabel];
  return labels[managedByLabel] === managedBy && service !== undefined ? [`${slice.metadata.namespace}/${service}`] : [];
}
