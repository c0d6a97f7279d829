import { deployments, podDisruptionBudgets, pods, replicaSets, replicationControllers, statefulSets } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/generated/types/policy-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf, type KubeObject } from "../../meta/object.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { keysWanting } from "../../reconcile/owned.ts";
import { cachedDiscovery } from "../discover-resources.ts";
import { enqueueKeys, enqueueSelf, labelsOf, LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { labelsMatch } from "../label-match.ts";
import { expectedScale, UnknownScale } from "./expected-scale.ts";
import { budgetStatus, failedStatus, needsScale } from "./plan.ts";

/** Tells in each disruption budget's status how many of its pods may be evicted. @upstream pkg/controller/disruption/disruption.go */
export function disruptionController(deps: ControllerDeps): Controller {
  const { client, clock, recorder } = deps;
  const budgetInformer = deps.informers.informer(podDisruptionBudgets);
  const podInformer = deps.informers.informer(pods);
  const listers = {
    replicaSets: deps.informers.informer(replicaSets).lister,
    deployments: deps.informers.informer(deployments).lister,
    statefulSets: deps.informers.informer(statefulSets).lister,
    replicationControllers: deps.informers.informer(replicationControllers).lister,
  };
  const discover = cachedDiscovery(client, clock);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const budget = budgetInformer.lister.get(key);
    if (budget === undefined) return;
    const selected = podInformer.lister.inNamespace(budget.metadata.namespace ?? "").filter((pod) => labelsMatch(budget.spec.selector, pod.metadata.labels));
    if (selected.length === 0) recorder.event(budget, "Normal", "NoPods", "No matching pods found");
    let scale: number | undefined;
    try {
      if (needsScale(budget)) scale = await expectedScale(selected, { client, listers, discover, signal });
    } catch (error) {
      const message = messageOf(error);
      recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", `Failed to calculate the number of expected pods: ${message}`);
      await write(budget, failedStatus(budget, message, clock.now()), signal);
      if (error instanceof UnknownScale) return;
      throw error;
    }
    const { status, recheckMs } = budgetStatus({ budget, pods: selected, scale, nowMs: clock.now() });
    await write(budget, status, signal);
    if (recheckMs !== undefined) late.addAfter(key, recheckMs);
  }

  /** Never over a newer version: an eviction may just have taken its share. */
  async function write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(budget.status, status)) return;
    await client.update(podDisruptionBudgets, { ...budget, status }, { namespace: budget.metadata.namespace, subresource: "status", signal });
  }

  const covers = ({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean => labelsMatch(spec.selector, metadata.labels);

  function setup(queue: Enqueue): void {
    late.bind(queue);
    enqueueSelf(queue, budgetInformer);
    enqueueKeys(queue, podInformer, (pod) => keysWanting(budgetInformer.lister, pod, covers), { dependsOn: labelsOf });
    // A change of size shows in the pods soon; a budget whose pods all stay would miss it.
    const inNamespace = ({ metadata: { namespace = "" } }: KubeObject): readonly string[] => budgetInformer.lister.inNamespace(namespace).filter(needsScale).map(keyOf);
    const enqueue = (object: KubeObject): void => {
      for (const key of inNamespace(object)) queue.add(key);
    };
    onResize(deps.informers.informer(deployments), enqueue);
    onResize(deps.informers.informer(statefulSets), enqueue);
    onResize(deps.informers.informer(replicationControllers), enqueue);
    onResize(deps.informers.informer(replicaSets), enqueue);
  }

  return { name: "disruption", workers: 2, setup, reconcile };
}

function onResize<T extends KubeObject & { readonly spec: { readonly replicas?: number | undefined } }>(informer: Informer<T>, resized: (object: T) => void): void {
  informer.subscribe({
    updated(previous, object) {
      if (previous.spec.replicas !== object.spec.replicas) resized(object);
    },
  });
}
