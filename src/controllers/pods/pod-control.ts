import { pods } from "../../api/generated/resources.ts";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { Client, NewObject } from "../../client/client.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { KubeObject } from "../../meta/object.ts";
import { hasReason } from "../../meta/status-error.ts";
import type { Expectations } from "../../reconcile/expectations.ts";
import { isNamespaceTerminating, messageOf } from "../failures.ts";
import { Paces, slowStartBatches } from "./slow-start.ts";

export interface PodMoves {
  readonly create: readonly NewObject<Pod>[];
  readonly remove: readonly Pod[];
}

/** What was done, and the first failure that is worth telling; `failed` is what it was at. */
export interface PodOutcome {
  readonly created: readonly Pod[];
  readonly removed: readonly Pod[];
  /** How many of those that were to be made were refused. */
  readonly refused: number;
  readonly error: unknown;
  readonly failed: "FailedCreate" | "FailedDelete" | undefined;
}

interface PodControlDeps {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly expectations: Expectations;
}

/** Makes and removes an owner's pods, with the events and expectations that belong to it. @upstream pkg/controller/controller_utils.go RealPodControl */
export class PodControl {
  readonly #deps: PodControlDeps;
  readonly #paces = new Paces();

  constructor(deps: PodControlDeps) {
    this.#deps = deps;
  }

  async move(key: string, owner: KubeObject, moves: PodMoves, signal: AbortSignal): Promise<PodOutcome> {
    const { create, remove } = moves;
    if (create.length > 0 || remove.length > 0) this.#deps.expectations.expect(key, { creations: create.length, deletions: remove.map((pod) => pod.metadata.uid ?? "") });
    const removal = await this.#remove(key, owner, remove, signal);
    const creation = await this.#create(key, owner, create, signal);
    const failed = creation.error !== undefined ? "FailedCreate" : removal.error !== undefined ? "FailedDelete" : undefined;
    return { created: creation.done, removed: removal.done, refused: creation.refused, error: creation.error ?? removal.error, failed };
  }

  /** In growing batches; the first batch with a failure is the last. */
  async #create(key: string, owner: KubeObject, wanted: readonly NewObject<Pod>[], signal: AbortSignal): Promise<Done> {
    const { client, recorder, expectations } = this.#deps;
    const done: Pod[] = [];
    let refused = 0;
    let next = 0;
    if (wanted.length === 0) this.#paces.forget(key);
    for (const size of slowStartBatches(wanted.length, this.#paces.of(key))) {
      const batch = wanted.slice(next, next + size);
      next += size;
      const outcomes = await Promise.allSettled(batch.map((pod) => client.create(pods, pod, { namespace: owner.metadata.namespace, signal })));
      let error: unknown;
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") {
          done.push(outcome.value);
          recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${outcome.value.metadata.name}`);
          continue;
        }
        refused += 1;
        expectations.creationObserved(key);
        if (isNamespaceTerminating(outcome.reason)) continue;
        recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${messageOf(outcome.reason)}`);
        error ??= outcome.reason;
      }
      if (error === undefined) {
        this.#paces.reached(key, size);
        continue;
      }
      this.#paces.forget(key);
      expectations.creationObserved(key, wanted.length - next);
      return { done, refused, error };
    }
    return { done, refused, error: undefined };
  }

  /** All at once. What is gone already counts as removed. */
  async #remove(key: string, owner: KubeObject, doomed: readonly Pod[], signal: AbortSignal): Promise<Done> {
    const { client, recorder, expectations } = this.#deps;
    const outcomes = await Promise.allSettled(doomed.map((pod) => client.delete(pods, pod.metadata.name ?? "", { namespace: pod.metadata.namespace, signal })));
    const done: Pod[] = [];
    let error: unknown;
    outcomes.forEach((outcome, index) => {
      const pod = doomed[index];
      if (pod === undefined) return;
      if (outcome.status === "fulfilled") {
        done.push(pod);
        recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
        return;
      }
      expectations.deletionObserved(key, pod.metadata.uid ?? "");
      if (hasReason(outcome.reason, "NotFound")) {
        done.push(pod);
        return;
      }
      recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${messageOf(outcome.reason)}`);
      error ??= outcome.reason;
    });
    return { done, refused: 0, error };
  }
}

interface Done {
  readonly done: readonly Pod[];
  readonly refused: number;
  readonly error: unknown;
}
