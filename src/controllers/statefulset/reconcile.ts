import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from "../../api/generated/resources.ts";
import type { ControllerRevision, StatefulSet } from "../../api/generated/types/apps-v1.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { claimable, claimChildren, controllerReference, enqueueOwners, indexByController, keysWanting } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { newRevision, surplusRevisions, templateOf } from "../history/revisions.ts";
import { removeRevisions, RevisionCollision, syncHistory } from "../history/sync-history.ts";
import { labelsMatch } from "../label-match.ts";
import { nextAvailabilityMs } from "../pods/pod-state.ts";
import { updateStatus } from "../update-status.ts";
import { retainedOwners } from "./claim-retention.ts";
import { claimName, claimsFor, ordinalOf, podName, repairedPod, revisionOf, statefulPod } from "./identity.ts";
import { planStateful, type StatefulPlan, type StatefulState, type StatefulStep } from "./plan.ts";

const hashLabel = "controller.kubernetes.io/hash";

/** Keeps numbered pods, each with a name and storage of its own. @upstream pkg/controller/statefulset */
export function statefulSetController(deps: ControllerDeps): Controller {
  return new StatefulSetController(deps);
}

class StatefulSetController implements Controller {
  readonly name = "statefulset";
  readonly workers = 5;
  readonly #deps: ControllerDeps;
  readonly #sets;
  readonly #pods;
  readonly #claims;
  readonly #revisions;
  /** Pods are named, so a stale cache cannot make too many; it only must not make the order wrong. */
  readonly #expectations: Expectations;
  readonly #queue = new LateQueue();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#sets = deps.informers.informer(statefulSets);
    this.#pods = deps.informers.informer(pods);
    this.#claims = deps.informers.informer(persistentVolumeClaims);
    this.#revisions = deps.informers.informer(controllerRevisions);
    this.#expectations = new Expectations({}, { clock: deps.clock });
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    indexByController(this.#deps.informers, this.#pods);
    indexByController(this.#deps.informers, this.#revisions);
    enqueueSelf(queue, this.#sets);
    const wants = (set: StatefulSet, pod: Pod): boolean => ordinalOf(set, pod) !== undefined && labelsMatch(set.spec.selector, pod.metadata.labels);
    enqueueOwners(queue, this.#pods, {
      owner: statefulSets,
      owners: this.#sets.lister,
      forOrphan: (pod) => keysWanting(this.#sets.lister, pod, wants),
      onAdded: (key) => this.#expectations.creationObserved(key),
      onDeleted: (key, pod) => this.#expectations.deletionObserved(key, pod.metadata.uid ?? ""),
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#sets.lister.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    const settled = this.#expectations.satisfied(key);
    const known = await this.#claim(set, controllerRevisions, this.#revisions.lister, () => true, signal);
    const owned = await this.#claim(set, pods, this.#pods.lister, (pod) => ordinalOf(set, pod) !== undefined, signal);
    const update = await this.#updateRevision(set, known, signal);
    const current = known.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const asState = (revision: ControllerRevision) => ({ name: revision.metadata.name ?? "", template: revision === update ? set.spec.template : templateOf(revision) });
    const state: StatefulState = { set, pods: owned, current: asState(current), update: asState(update), settled, nowMs: this.#deps.clock.now() };
    const plan = planStateful(state);
    await this.#retain(set, plan, owned, signal);
    this.#expect(key, plan);
    try {
      for (const step of plan.steps) await this.#take(key, set, step, signal);
    } catch (error) {
      // The steps after this one are never taken; nobody will see them done.
      this.#expectations.forget(key);
      throw error;
    }
    await this.#report(set, plan, signal);
    await this.#cleanHistory(set, owned, [...known, update], signal);
    const next = nextAvailabilityMs(owned, set.spec.minReadySeconds ?? 0, state.nowMs);
    if (next !== undefined) this.#queue.addAfter(key, next);
  }

  #expect(key: string, { steps }: StatefulPlan): void {
    const creations = steps.filter(({ type }) => type === "create").length;
    const deletions = steps.flatMap((step) => (step.type === "delete" ? [step.pod.metadata.uid ?? ""] : []));
    if (creations > 0 || deletions.length > 0) this.#expectations.expect(key, { creations, deletions });
  }

  async #claim<Child extends Pod | ControllerRevision>(
    set: StatefulSet,
    resource: Parameters<typeof claimChildren<StatefulSet, Child>>[1]["childResource"],
    lister: Parameters<typeof claimable<Child>>[0],
    also: (child: Child) => boolean,
    signal: AbortSignal,
  ): Promise<readonly Child[]> {
    const matches = (child: Child): boolean => labelsMatch(set.spec.selector, child.metadata.labels) && also(child);
    return claimChildren(claimable(lister, set), { owner: set, ownerResource: statefulSets, childResource: resource, matches }, { client: this.#deps.client, signal });
  }

  async #updateRevision(set: StatefulSet, known: readonly ControllerRevision[], signal: AbortSignal): Promise<ControllerRevision> {
    const wanted = newRevision({
      owner: set,
      reference: controllerReference(set, statefulSets),
      template: set.spec.template,
      collisionCount: set.status?.collisionCount,
      revision: 1,
      hashLabel,
    });
    try {
      return await syncHistory(known, wanted, { client: this.#deps.client, signal });
    } catch (error) {
      if (error instanceof RevisionCollision) {
        const status = { replicas: 0, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 };
        await updateStatus(this.#deps.client, statefulSets, set, { signal, next: (live) => ({ ...live, status }) });
      }
      throw error;
    }
  }

  async #take(key: string, set: StatefulSet, step: StatefulStep, signal: AbortSignal): Promise<void> {
    if (step.type === "create") {
      await this.#makeClaims(set, step.ordinal, signal);
      await this.#create(key, set, step, signal);
    } else if (step.type === "delete") await this.#delete(key, set, step, signal);
    else if (step.type === "claims") await this.#makeClaims(set, step.ordinal, signal);
    else {
      const repaired = repairedPod(set, step.ordinal, step.pod);
      if (repaired !== undefined) await this.#deps.client.update(pods, repaired, { namespace: repaired.metadata.namespace, signal });
    }
  }

  async #create(key: string, set: StatefulSet, { ordinal, from }: Extract<StatefulStep, { type: "create" }>, signal: AbortSignal): Promise<void> {
    const name = podName(set, ordinal);
    const text = `create Pod ${name} in StatefulSet ${set.metadata.name}`;
    try {
      await this.#deps.client.create(pods, statefulPod(set, ordinal, { template: from.template, revision: from.name }), { namespace: set.metadata.namespace, signal });
      this.#deps.recorder.event(set, "Normal", "SuccessfulCreate", `${text} successful`);
    } catch (error) {
      this.#expectations.creationObserved(key);
      if (isNamespaceTerminating(error)) return;
      if (!hasReason(error, "AlreadyExists")) this.#deps.recorder.event(set, "Warning", "FailedCreate", `${text} failed error: ${messageOf(error)}`);
      throw error;
    }
  }

  async #delete(key: string, set: StatefulSet, { pod, why }: Extract<StatefulStep, { type: "delete" }>, signal: AbortSignal): Promise<void> {
    const { name = "", namespace, uid = "" } = pod.metadata;
    if (why !== undefined) {
      const reason = why === "failed" ? "RecreatingFailedPod" : "RecreatingTerminatedPod";
      this.#deps.recorder.event(set, why === "failed" ? "Warning" : "Normal", reason, `StatefulSet ${namespace}/${set.metadata.name} is recreating ${why} Pod ${name}`);
    }
    const text = `delete Pod ${name} in StatefulSet ${set.metadata.name}`;
    try {
      await this.#deps.client.delete(pods, name, { namespace, signal, preconditions: { uid } });
      this.#deps.recorder.event(set, "Normal", "SuccessfulDelete", `${text} successful`);
    } catch (error) {
      this.#expectations.deletionObserved(key, uid);
      if (hasReason(error, "NotFound")) return;
      this.#deps.recorder.event(set, "Warning", "FailedDelete", `${text} failed error: ${messageOf(error)}`);
      throw error;
    }
  }

  async #makeClaims(set: StatefulSet, ordinal: number, signal: AbortSignal): Promise<void> {
    for (const claim of claimsFor(set, ordinal)) {
      const { name = "", namespace } = claim.metadata;
      const there = this.#claims.lister.get(`${namespace}/${name}`);
      if (there !== undefined) {
        if (there.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
        continue;
      }
      const text = `create Claim ${name} Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
      try {
        await this.#deps.client.create(persistentVolumeClaims, claim, { namespace, signal });
        this.#deps.recorder.event(set, "Normal", "SuccessfulCreate", `${text} success`);
      } catch (error) {
        if (hasReason(error, "AlreadyExists") || isNamespaceTerminating(error)) continue;
        this.#deps.recorder.event(set, "Warning", "FailedCreate", `${text} failed error: ${messageOf(error)}`);
        throw error;
      }
    }
  }

  /** Owners of claims follow the retention policy before any pod is taken away. */
  async #retain(set: StatefulSet, { condemned }: StatefulPlan, owned: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (set.spec.persistentVolumeClaimRetentionPolicy === undefined || set.metadata.deletionTimestamp !== undefined) return;
    for (const pod of owned) {
      const ordinal = ordinalOf(set, pod);
      for (const template of ordinal === undefined ? [] : (set.spec.volumeClaimTemplates ?? [])) {
        const claim = this.#claims.lister.get(`${set.metadata.namespace}/${claimName(set, template, ordinal ?? 0)}`);
        const owners = claim === undefined ? undefined : retainedOwners(set, claim, pod, condemned.includes(pod));
        if (claim === undefined || owners === undefined) continue;
        await this.#deps.client.update(
          persistentVolumeClaims,
          { ...claim, metadata: { ...claim.metadata, ownerReferences: owners } },
          { namespace: claim.metadata.namespace, signal },
        );
      }
    }
  }

  async #report(set: StatefulSet, { status }: StatefulPlan, signal: AbortSignal): Promise<void> {
    await updateStatus(this.#deps.client, statefulSets, set, { signal, next: (live) => (deepEqual(status, live.status) ? undefined : { ...live, status }) });
  }

  async #cleanHistory(set: StatefulSet, owned: readonly Pod[], known: readonly ControllerRevision[], signal: AbortSignal): Promise<void> {
    const used = new Set([set.status?.currentRevision, set.status?.updateRevision, known.at(-1)?.metadata.name, ...owned.map(revisionOf)]);
    const distinct = [...new Map(known.map((revision) => [revision.metadata.name, revision])).values()];
    const doomed = surplusRevisions(distinct, (revision) => used.has(revision.metadata.name), set.spec.revisionHistoryLimit ?? 10);
    await removeRevisions(doomed, { client: this.#deps.client, signal });
  }
}
