import { pods } from "../../api/generated/resources.ts";
import type { ReplicaSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Informer } from "../../client/informer.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { claimable, claimChildren, controlledBy, enqueueOwners, indexByController, keysWanting } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { messageOf } from "../failures.ts";
import { isPodActive, isPodTerminating, nextAvailabilityMs } from "../pods/pod-state.ts";
import { PodControl } from "../pods/pod-control.ts";
import { podFromTemplate } from "../pods/pod-from-template.ts";
import { updateStatus } from "../update-status.ts";
import { changesCounts, planReplicas, type ReplicaFailure, replicaStatus } from "./plan.ts";

/** What ReplicaSet and ReplicationController have in common, seen through one lens. */
export interface ReplicaKind<T extends KubeObject> {
  readonly name: string;
  readonly resource: Resource<T>;
  replicas(set: T): number;
  minReadySeconds(set: T): number;
  matches(set: T, labels: Pod["metadata"]["labels"]): boolean;
  template(set: T): PodTemplateSpec | undefined;
  status(set: T): ReplicaSetStatus | undefined;
  withStatus(set: T, status: ReplicaSetStatus): T;
  /** Sets of the same owner, this one among them. */
  siblings(set: T, all: readonly T[]): readonly T[];
}

/** Keeps the number of a set's pods. @upstream pkg/controller/replicaset/replica_set.go */
export function replicaController<T extends KubeObject>(kind: ReplicaKind<T>, deps: ControllerDeps): Controller {
  return new ReplicaController(kind, deps);
}

class ReplicaController<T extends KubeObject> implements Controller {
  readonly name: string;
  readonly workers = 5;
  readonly #kind: ReplicaKind<T>;
  readonly #deps: ControllerDeps;
  readonly #sets: Informer<T>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #control: PodControl;
  readonly #queue = new LateQueue();

  constructor(kind: ReplicaKind<T>, deps: ControllerDeps) {
    this.name = kind.name;
    this.#kind = kind;
    this.#deps = deps;
    this.#sets = deps.informers.informer(kind.resource);
    this.#pods = deps.informers.informer(pods);
    this.#expectations = new Expectations({}, { clock: deps.clock });
    this.#control = new PodControl({ ...deps, expectations: this.#expectations });
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    indexByController(this.#deps.informers, this.#pods);
    enqueueSelf(queue, this.#sets);
    const wants = (set: T, { metadata }: Pod): boolean => this.#kind.matches(set, metadata.labels);
    enqueueOwners(queue, this.#pods, {
      owner: this.#kind.resource,
      owners: this.#sets.lister,
      forOrphan: (pod) => keysWanting(this.#sets.lister, pod, wants),
      onAdded: (key) => this.#expectations.creationObserved(key),
      onDeleted: (key, pod) => this.#expectations.deletionObserved(key, pod.metadata.uid ?? ""),
      isNews: changesCounts,
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#sets.lister.get(key);
    if (set === undefined) {
      this.#expectations.forget(key);
      return;
    }
    const kind = this.#kind;
    const settled = this.#expectations.satisfied(key);
    const matches = (pod: Pod): boolean => kind.matches(set, pod.metadata.labels);
    const active = await claimChildren(
      claimable(this.#pods.lister, set).filter(isPodActive),
      { owner: set, ownerResource: kind.resource, childResource: pods, matches },
      { client: this.#deps.client, signal },
    );
    let failure: ReplicaFailure | undefined;
    let error: unknown;
    if (settled && set.metadata.deletionTimestamp === undefined) {
      const { create, remove } = planReplicas({ replicas: kind.replicas(set), pods: active, related: () => this.#related(set), nowMs: this.#deps.clock.now() });
      const template = kind.template(set);
      const wanted = template === undefined ? [] : Array.from({ length: create }, () => podFromTemplate(template, set, kind.resource));
      const outcome = await this.#control.move(key, set, { create: wanted, remove }, signal);
      ({ error } = outcome);
      if (outcome.failed !== undefined) failure = { reason: outcome.failed, message: messageOf(error) };
    }
    const terminating = controlledBy(this.#pods.lister, set).filter((pod) => isPodTerminating(pod) && matches(pod));
    await this.#report(set, [...active, ...terminating], failure, signal);
    if (error !== undefined) throw error;
    const next = nextAvailabilityMs(active, kind.minReadySeconds(set), this.#deps.clock.now());
    if (next !== undefined) this.#queue.addAfter(key, next);
  }

  #related(set: T): readonly Pod[] {
    const siblings = this.#kind.siblings(set, this.#sets.lister.inNamespace(set.metadata.namespace ?? ""));
    return siblings.flatMap((sibling) => controlledBy(this.#pods.lister, sibling));
  }

  async #report(set: T, owned: readonly Pod[], failure: ReplicaFailure | undefined, signal: AbortSignal): Promise<void> {
    const kind = this.#kind;
    const nowMs = this.#deps.clock.now();
    await updateStatus(this.#deps.client, kind.resource, set, {
      signal,
      next: (live) => {
        const status = kind.status(live);
        const next = kind.withStatus(
          live,
          replicaStatus({
            // The generation that was looked at, even when the live object has moved on.
            generation: set.metadata.generation,
            minReadySeconds: kind.minReadySeconds(set),
            template: kind.template(set),
            status,
            pods: owned,
            failure,
            nowMs,
          }),
        );
        return deepEqual(kind.status(next), status) ? undefined : next;
      },
    });
  }
}
