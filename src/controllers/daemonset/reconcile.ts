import { controllerRevisions, daemonSets, nodes, pods } from "../../api/generated/resources.ts";
import type { ControllerRevision, DaemonSet } from "../../api/generated/types/apps-v1.ts";
import type { Node, Pod } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { keyOf } from "../../meta/object.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { claimable, claimChildren, controllerReference, enqueueOwners, indexByController, keysWanting } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { newRevision, revisionHashLabel, surplusRevisions } from "../history/revisions.ts";
import { removeRevisions, RevisionCollision, syncHistory } from "../history/sync-history.ts";
import { isEmptySelector, labelsMatch } from "../label-match.ts";
import { PodControl } from "../pods/pod-control.ts";
import { nextAvailabilityMs } from "../pods/pod-state.ts";
import { updateStatus } from "../update-status.ts";
import { daemonPod, eligibility, nodeOf } from "./eligible.ts";
import { daemonStatus, isRolling, planDaemons, planUpdate, type DaemonState } from "./plan.ts";
import { ReplaceBackoff } from "./replace-backoff.ts";

/** Keeps one pod of a daemon set on each of its nodes. @upstream pkg/controller/daemon/daemon_controller.go */
export function daemonSetController(deps: ControllerDeps): Controller {
  return new DaemonSetController(deps);
}

class DaemonSetController implements Controller {
  readonly name = "daemonset";
  readonly workers = 2;
  readonly #deps: ControllerDeps;
  readonly #sets;
  readonly #pods;
  readonly #nodes;
  readonly #revisions;
  readonly #expectations: Expectations;
  readonly #control: PodControl;
  readonly #queue = new LateQueue();
  readonly #backoff = new ReplaceBackoff();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#sets = deps.informers.informer(daemonSets);
    this.#pods = deps.informers.informer(pods);
    this.#nodes = deps.informers.informer(nodes);
    this.#revisions = deps.informers.informer(controllerRevisions);
    this.#expectations = new Expectations({}, { clock: deps.clock });
    this.#control = new PodControl({ ...deps, expectations: this.#expectations });
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    indexByController(this.#deps.informers, this.#pods);
    indexByController(this.#deps.informers, this.#revisions);
    enqueueSelf(queue, this.#sets);
    const wants = ({ spec }: DaemonSet, { metadata }: Pod | ControllerRevision): boolean => !isEmptySelector(spec.selector) && labelsMatch(spec.selector, metadata.labels);
    const matching = (object: Pod | ControllerRevision): readonly string[] => keysWanting(this.#sets.lister, object, wants);
    enqueueOwners(queue, this.#pods, {
      owner: daemonSets,
      owners: this.#sets.lister,
      forOrphan: matching,
      onAdded: (key) => this.#expectations.creationObserved(key),
      onDeleted: (key, pod) => this.#expectations.deletionObserved(key, pod.metadata.uid ?? ""),
    });
    enqueueOwners(queue, this.#revisions, { owner: daemonSets, owners: this.#sets.lister, forOrphan: matching });
    const enqueueFor = (...states: readonly Node[]): void => {
      for (const set of this.#sets.lister.list()) {
        if (states.some((node) => eligibility(set, node).shouldRun) || states.some((node) => eligibility(set, node).mayStay)) queue.add(keyOf(set));
      }
    };
    this.#nodes.subscribe({
      added: (node) => enqueueFor(node),
      updated: (previous, node) => {
        if (!deepEqual(previous.metadata.labels, node.metadata.labels) || !deepEqual(previous.spec.taints, node.spec.taints)) enqueueFor(previous, node);
      },
      deleted: (node) => enqueueFor(node),
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#sets.lister.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      this.#backoff.forget(key);
      return;
    }
    if (isEmptySelector(set.spec.selector)) {
      this.#deps.recorder.event(set, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
      return;
    }
    if (set.metadata.deletionTimestamp !== undefined) return;
    const revisions = await this.#claim(set, controllerRevisions, this.#revisions.lister, signal);
    const hash = await this.#currentHash(set, revisions, signal);
    const settled = this.#expectations.satisfied(key);
    const owned = await this.#claim(set, pods, this.#pods.lister, signal);
    const state: DaemonState = {
      set,
      nodes: this.#nodes.lister.list(),
      pods: owned,
      hash,
      nowMs: this.#deps.clock.now(),
      mayReplaceFailed: (node) => this.#backoff.mayReplace(key, node, this.#deps.clock.now()),
    };
    const error = settled ? await this.#act(key, state, signal) : undefined;
    await this.#report(state, signal);
    if (error !== undefined) throw error;
    await this.#cleanHistory(set, owned, revisions, hash, signal);
    const next = [nextAvailabilityMs(owned, set.spec.minReadySeconds ?? 0, state.nowMs), this.#backoff.nextMs(key, state.nowMs)].filter((wait) => wait !== undefined);
    if (next.length > 0) this.#queue.addAfter(key, Math.min(...next));
  }

  async #claim<Child extends Pod | ControllerRevision>(
    set: DaemonSet,
    resource: Parameters<typeof claimChildren<DaemonSet, Child>>[1]["childResource"],
    lister: Parameters<typeof claimable<Child>>[0],
    signal: AbortSignal,
  ): Promise<readonly Child[]> {
    const matches = (child: Child): boolean => labelsMatch(set.spec.selector, child.metadata.labels);
    return claimChildren(claimable(lister, set), { owner: set, ownerResource: daemonSets, childResource: resource, matches }, { client: this.#deps.client, signal });
  }

  async #currentHash(set: DaemonSet, known: readonly ControllerRevision[], signal: AbortSignal): Promise<string> {
    const wanted = newRevision({
      owner: set,
      reference: controllerReference(set, daemonSets),
      template: set.spec.template,
      collisionCount: set.status?.collisionCount,
      revision: 1,
      hashLabel: revisionHashLabel,
    });
    try {
      const current = await syncHistory(known, wanted, { client: this.#deps.client, signal });
      return current.metadata.labels?.[revisionHashLabel] ?? "";
    } catch (error) {
      if (error instanceof RevisionCollision) {
        const collisionCount = (set.status?.collisionCount ?? 0) + 1;
        const before = set.status ?? { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
        await updateStatus(this.#deps.client, daemonSets, set, { signal, next: (live) => ({ ...live, status: { ...before, collisionCount } }) });
      }
      throw error;
    }
  }

  async #act(key: string, state: DaemonState, signal: AbortSignal): Promise<unknown> {
    const { set, hash } = state;
    let plan = planDaemons(state);
    for (const { type, reason, message } of plan.events) this.#deps.recorder.event(set, type, reason, message);
    if (plan.create.length + plan.remove.length === 0 && isRolling(set)) plan = planUpdate(state);
    const create = plan.create.map((node) => daemonPod(set, node, hash));
    const outcome = await this.#control.move(key, set, { create, remove: plan.remove }, signal);
    for (const pod of outcome.removed) if (pod.status?.phase === "Failed") this.#backoff.replaced(key, nodeOf(pod), state.nowMs);
    return outcome.error;
  }

  async #report(state: DaemonState, signal: AbortSignal): Promise<void> {
    await updateStatus(this.#deps.client, daemonSets, state.set, {
      signal,
      next: (live) => {
        const status = daemonStatus(state);
        return deepEqual(status, live.status) ? undefined : { ...live, status };
      },
    });
  }

  async #cleanHistory(set: DaemonSet, owned: readonly Pod[], revisions: readonly ControllerRevision[], hash: string, signal: AbortSignal): Promise<void> {
    const used = new Set([hash, ...owned.map((pod) => pod.metadata.labels?.[revisionHashLabel] ?? "")]);
    const doomed = surplusRevisions(revisions, (revision) => used.has(revision.metadata.labels?.[revisionHashLabel] ?? ""), set.spec.revisionHistoryLimit ?? 10);
    await removeRevisions(doomed, { client: this.#deps.client, signal });
  }
}
