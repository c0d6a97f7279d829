import { endpointSlices, endpoints, services } from "../../api/generated/resources.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { managedByLabel, serviceNameLabel } from "../endpointslice/plan.ts";
import { enqueueKeys, enqueueSelf } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { applySlices } from "../service-endpoints/apply-slices.ts";
import { managedBy, planMirror, shouldMirror } from "./plan.ts";

const mirrorIndex = "endpointslice-mirror";

/** Mirrors Endpoints that users write for services without a selector. @upstream pkg/controller/endpointslicemirroring */
export function endpointSliceMirroringController(deps: ControllerDeps): Controller {
  const { client, recorder } = deps;
  const serviceInformer = deps.informers.informer(services);
  const endpointsInformer = deps.informers.informer(endpoints);
  const sliceInformer = deps.informers.informer(endpointSlices);
  const expectations = new Expectations({}, { clock: deps.clock });

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const source = endpointsInformer.lister.get(key);
    const slices = sliceInformer.lister.byIndex(mirrorIndex, key).filter((slice) => slice.metadata.deletionTimestamp === undefined);
    if (!shouldMirror(source, serviceInformer.lister.get(key))) {
      await applySlices(key, { create: [], update: [], remove: slices }, { client, expectations, signal });
      return;
    }
    if (!expectations.satisfied(key)) return;
    try {
      await applySlices(key, planMirror(source, slices), { client, expectations, signal });
    } catch (error) {
      recorder.event(source, "Warning", "FailedToUpdateEndpointSlices", `Error updating EndpointSlices for Endpoints ${key}: ${messageOf(error)}`);
      throw error;
    }
  }

  function setup(queue: Enqueue): void {
    deps.informers.addIndex(sliceInformer, mirrorIndex, mirrorKeys);
    enqueueSelf(queue, endpointsInformer);
    enqueueSelf(queue, serviceInformer);
    sliceInformer.subscribe({
      added(slice) {
        for (const key of mirrorKeys(slice)) expectations.creationObserved(key);
      },
    });
    enqueueKeys(queue, sliceInformer, mirrorKeys);
  }

  return { name: "endpointslicemirroring", workers: 5, setup, reconcile };
}

function mirrorKeys(slice: EndpointSlice): readonly string[] {
  const labels = slice.metadata.labels ?? {};
  const name = labels[serviceNameLabel];
  return labels[managedByLabel] === managedBy && name !== undefined ? [`${slice.metadata.namespace}/${name}`] : [];
}
