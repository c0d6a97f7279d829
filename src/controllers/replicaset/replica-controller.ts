import { pods } from "../../api/generated/resources.ts";
import type { ReplicaSetStatus } from "../../api/generated/types/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/types/core-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Informer } from "../../client/informer.ts";
import { keyOf, type KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Controller, ControllerDeps, Enqueue } from "../../reconcile/controller.ts";
import { Expectations } from "../../reconcile/expectations.ts";
import { claimable, claimChildren, controlledBy, enqueueOwners, indexByController } from "../../reconcile/owned.ts";
import { enqueueSelf, LateQueue } from "../enqueue.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { isPodActive, isPodTerminating, nextAvailabilityMs } from "../pods/pod-state.ts";
import { podFromTemplate } from "../pods/pod-from-template.ts";
import { updateStatus } from "../update-status.ts";
import { planReplicas, type ReplicaFailure, replicaStatus, slowStartBatches } from "./plan.ts";

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
  readonly #queue = new LateQueue();

  constructor(kind: ReplicaKind<T>, deps: ControllerDeps) {
    this.name = kind.name;
    this.#kind = kind;
    this.#deps = deps;
    this.#sets = deps.informers.informer(kind.resource);
    this.#pods = deps.informers.informer(pods);
    this.#expectations = new Expectations({}, { clock: deps.clock });
  }

  setup(queue: Enqueue): void {
    this.#queue.bind(queue);
    indexByController(this.#deps.informers, this.#pods);
    enqueueSelf(queue, this.#sets);
    enqueueOwners(queue, this.#pods, {
      owner: this.#kind.resource,
      owners: this.#sets.lister,
      forOrphan: (pod) =>
        this.#sets.lister
          .inNamespace(pod.metadata.namespace ?? "")
          .filter((set) => this.#kind.matches(set, pod.metadata.labels))
          .map(keyOf),
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
      const plan = planReplicas({ replicas: kind.replicas(set), pods: active, related: () => this.#related(set), nowMs: this.#deps.clock.now() });
      try {
        await this.#create(key, set, plan.create, signal);
        await this.#remove(key, set, plan.remove, signal);
      } catch (caught) {
        error = caught;
        failure = { reason: plan.create > 0 ? "FailedCreate" : "FailedDelete", message: messageOf(caught) };
      }
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

  async #create(key: string, set: T, count: number, signal: AbortSignal): Promise<void> {
    const template = this.#kind.template(set);
    if (count === 0 || template === undefined) return;
    const pod = podFromTemplate(template, set, this.#kind.resource);
    this.#expectations.expectCreations(key, count);
    let left = count;
    for (const batch of slowStartBatches(count)) {
      const outcomes = await Promise.allSettled(Array.from({ length: batch }, () => this.#deps.client.create(pods, pod, { namespace: set.metadata.namespace, signal })));
      left -= batch;
      const errors: unknown[] = [];
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") this.#deps.recorder.event(set, "Normal", "SuccessfulCreate", `Created pod: ${outcome.value.metadata.name}`);
        else {
          this.#expectations.creationObserved(key);
          if (isNamespaceTerminating(outcome.reason)) continue;
          this.#deps.recorder.event(set, "Warning", "FailedCreate", `Error creating: ${messageOf(outcome.reason)}`);
          errors.push(outcome.reason);
        }
      }
      if (errors.length === 0) continue;
      this.#expectations.creationObserved(key, left);
      throw errors[0];
    }
  }

  async #remove(key: string, set: T, doomed: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (doomed.length === 0) return;
    this.#expectations.expectDeletions(
      key,
      doomed.map((pod) => pod.metadata.uid ?? ""),
    );
    const outcomes = await Promise.allSettled(doomed.map((pod) => this.#deps.client.delete(pods, pod.metadata.name ?? "", { namespace: pod.metadata.namespace, signal })));
    const errors: unknown[] = [];
    outcomes.forEach((outcome, index) => {
      const pod = doomed[index];
      if (outcome.status === "fulfilled") {
        this.#deps.recorder.event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${pod?.metadata.name}`);
        return;
      }
      this.#expectations.deletionObserved(key, pod?.metadata.uid ?? "");
      if (hasReason(outcome.reason, "NotFound")) return;
      this.#deps.recorder.event(set, "Warning", "FailedDelete", `Error deleting: ${messageOf(outcome.reason)}`);
      errors.push(outcome.reason);
    });
    if (errors.length > 0) throw errors[0];
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
