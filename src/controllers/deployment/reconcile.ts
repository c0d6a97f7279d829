import { deployments, pods, replicaSets } from "../../api/generated/resources.ts";
import type { Deployment, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { controllerOf } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { claimable, claimChildren, controlledBy, controllerKey, enqueueOwners, indexByController, keysWanting } from "../../reconcile/owned.ts";
import { withCondition } from "../conditions.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { isEmptySelector, labelsMatch } from "../label-match.ts";
import { isPodTerminal } from "../pods/pod-state.ts";
import { withoutHashLabel } from "../template-hash.ts";
import { revisionAnnotation } from "./annotations.ts";
import { planRollout } from "./plan.ts";
import { hasProgressDeadline } from "./replica-sets.ts";
import type { Step } from "./rollout.ts";

/** Rolls a deployment's template out through replica sets. @upstream pkg/controller/deployment/deployment_controller.go */
export function deploymentController(deps: ControllerDeps): Controller {
  const { client, recorder, clock } = deps;
  const deploymentInformer = deps.informers.informer(deployments);
  const setInformer = deps.informers.informer(replicaSets);
  const podInformer = deps.informers.informer(pods);
  const late = new LateQueue();

  async function reconcile(key: string, signal: AbortSignal): Promise<void> {
    const deployment = deploymentInformer.lister.get(key);
    if (deployment === undefined) return;
    if (isEmptySelector(deployment.spec.selector)) {
      recorder.event(deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
      const { generation } = deployment.metadata;
      if ((deployment.status?.observedGeneration ?? 0) < (generation ?? 0))
        await writeStatus(deployment, { ...deployment.status, observedGeneration: generation }, undefined, signal);
      return;
    }
    const sets = await claimChildren(
      claimable(setInformer.lister, deployment),
      {
        owner: deployment,
        ownerResource: deployments,
        childResource: replicaSets,
        matches: (set) => labelsMatch(deployment.spec.selector, set.metadata.labels),
      },
      { client, signal },
    );
    const byUid = new Map(sets.map((set) => [set.metadata.uid, set]));
    const hasRunningPods = (uid: string): boolean => {
      const set = byUid.get(uid);
      return set !== undefined && controlledBy(podInformer.lister, set).some((pod) => !isPodTerminal(pod));
    };
    const plan = planRollout({ deployment, replicaSets: sets, hasRunningPods, nowMs: clock.now() });
    try {
      for (const step of plan.steps) await take(deployment, step, signal);
    } catch (error) {
      // The deployment goes with its namespace: there is nothing to try again. @upstream pkg/controller/deployment/deployment_controller.go handleErr
      if (isNamespaceTerminating(error)) return;
      throw error;
    }
    if (plan.revision !== undefined || !deepEqual(plan.status, deployment.status ?? {})) await writeStatus(deployment, plan.status, plan.revision, signal);
    if (plan.recheckMs !== undefined) late.addAfter(key, plan.recheckMs);
  }

  async function take(deployment: Deployment, step: Step, signal: AbortSignal): Promise<void> {
    const { set } = step;
    const place = { namespace: set.metadata.namespace, signal };
    if (step.type === "create") {
      if (!(await create(deployment, set, signal))) return;
    } else if (step.type === "update") await client.update(replicaSets, set, place);
    else {
      await client.delete(replicaSets, set.metadata.name ?? "", { ...place, propagationPolicy: "Background" }).catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
      });
      return;
    }
    if (step.event !== undefined) recorder.event(deployment, "Normal", "ScalingReplicaSet", step.event);
  }

  /** False when the very set is there already, made by an attempt that the cache has not shown yet. */
  async function create(deployment: Deployment, set: ReplicaSet, signal: AbortSignal): Promise<boolean> {
    const place = { namespace: set.metadata.namespace, signal };
    try {
      await client.create(replicaSets, set, place);
      return true;
    } catch (error) {
      if (hasReason(error, "AlreadyExists")) {
        const live = await client.get(replicaSets, set.metadata.name ?? "", place);
        const same = deepEqual(withoutHashLabel(live.spec.template), withoutHashLabel(deployment.spec.template));
        if (controllerOf(live)?.uid === deployment.metadata.uid && same) return false;
        // Another template of the same hash: the count goes into the next one.
        await writeStatus(deployment, { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 }, undefined, signal);
        throw error;
      }
      if (isNamespaceTerminating(error)) throw error;
      const message = `Failed to create new replica set ${JSON.stringify(set.metadata.name)}: ${messageOf(error)}`;
      if (hasProgressDeadline(deployment)) {
        const now = rfc3339(clock.now());
        const condition = { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message, lastUpdateTime: now, lastTransitionTime: now };
        const conditions = withCondition(deployment.status?.conditions, condition);
        if (conditions !== deployment.status?.conditions) await writeStatus(deployment, { ...deployment.status, conditions }, undefined, signal);
      }
      recorder.event(deployment, "Warning", "ReplicaSetCreateError", message);
      throw error;
    }
  }

  /** The revision travels with the status: a status write may set annotations. */
  async function writeStatus(deployment: Deployment, status: Deployment["status"], revision: string | undefined, signal: AbortSignal): Promise<void> {
    const annotations = revision === undefined ? deployment.metadata.annotations : { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
    const next: Deployment = { ...deployment, metadata: { ...deployment.metadata, annotations }, status };
    await client.update(deployments, next, { namespace: deployment.metadata.namespace, subresource: "status", signal });
  }

  function setup(queue: Enqueue): void {
    late.bind(queue);
    indexByController(deps.informers, setInformer);
    indexByController(deps.informers, podInformer);
    enqueueSelf(queue, deploymentInformer);
    enqueueOwners(queue, setInformer, {
      owner: deployments,
      owners: deploymentInformer.lister,
      forOrphan: (set) => keysWanting(deploymentInformer.lister, set, ({ spec }, { metadata }) => !isEmptySelector(spec.selector) && labelsMatch(spec.selector, metadata.labels)),
    });
    podInformer.subscribe({
      // Recreate waits for the last old pod to go.
      deleted(pod) {
        const setKey = controllerKey(pod, replicaSets);
        const set = setKey === undefined ? undefined : setInformer.lister.get(setKey);
        const key = set === undefined ? undefined : controllerKey(set, deployments);
        if (key !== undefined && deploymentInformer.lister.get(key)?.spec.strategy?.type === "Recreate") queue.add(key);
      },
    });
  }

  return { name: "deployment", workers: 5, setup, reconcile };
}
