import { endpoints, pods, services } from "../../api/generated/resources.ts";
import { hasReason } from "../../meta/status-error.ts";
import { splitKey } from "../../meta/object.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { keysWanting } from "../../reconcile/owned.ts";
import { enqueueKeys, enqueueSelf, labelsOf } from "../enqueue.ts";
import { selects } from "../endpointslice/reconcile.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { mapMatches } from "../label-match.ts";
import { changesEndpoints } from "../service-endpoints/pod-endpoint.ts";
import { TriggerTimes } from "../service-endpoints/trigger-time.ts";
import { planEndpoints } from "./plan.ts";

/** Keeps the Endpoints objects of services with a selector, for those who still read them. @upstream pkg/controller/endpoint/endpoints_controller.go */
export function endpointsController(deps: ControllerDeps): Controller {
  const { client, recorder } = deps;
  const serviceInformer = deps.informers.informer(services);
  const podInformer = deps.informers.informer(pods);
  const endpointsInformer = deps.informers.informer(endpoints);
  const triggers = new TriggerTimes();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = serviceInformer.lister.get(key);
    const { namespace, name } = splitKey(key);
    const current = endpointsInformer.lister.get(key);
    if (service === undefined) {
      triggers.forget(key);
      if (current === undefined) return;
      await client.delete(endpoints, name, { namespace, signal }).catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      });
      return;
    }
    if (service.spec?.type === "ExternalName" || service.spec?.selector === undefined) return;
    const { selector } = service.spec;
    const selected = podInformer.lister.inNamespace(namespace).filter((pod) => mapMatches(selector, pod.metadata.labels));
    const next = planEndpoints({ service, pods: selected, current, triggerTime: triggers.note(key, service, selected) });
    if (next === undefined) return;
    try {
      if (current === undefined) await client.create(endpoints, next, { namespace, signal });
      else await client.update(endpoints, next, { namespace, signal });
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (current === undefined) recorder.event(service, "Warning", "FailedToCreateEndpoint", `Failed to create endpoint for service ${key}: ${messageOf(error)}`);
      else recorder.event(current, "Warning", "FailedToUpdateEndpoint", `Failed to update endpoint ${key}: ${messageOf(error)}`);
      throw error;
    }
  }

  function setup(queue: Enqueue): void {
    enqueueSelf(queue, serviceInformer);
    enqueueKeys(queue, podInformer, (pod) => keysWanting(serviceInformer.lister, pod, selects), { dependsOn: labelsOf, isNews: changesEndpoints });
    // Only what somebody took away is made anew; what somebody changed stays until the pods change.
    endpointsInformer.subscribe({ deleted: (object) => queue.add(`${object.metadata.namespace}/${object.metadata.name}`) });
  }

  return { name: "endpoint", workers: 5, setup, reconcile };
}
