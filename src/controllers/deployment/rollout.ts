import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { deepEqual } from "../../base/values.ts";
import { findCondition, withCondition, withoutCondition } from "../conditions.ts";
import { replicasAnnotations } from "./annotations.ts";
import { byCreation, desired, fenceposts, findNewSet, size } from "./replica-sets.ts";

/** One thing to do, in order. `event` is the text of a ScalingReplicaSet event once it is done. */
export type Step =
  | { readonly type: "create"; readonly set: ReplicaSet; readonly event?: string }
  | { readonly type: "update"; readonly set: ReplicaSet; readonly event?: string }
  | { readonly type: "delete"; readonly set: ReplicaSet };

/** What the plan is made from. `activePods` are the pods that still run or may, by the uid of their set. */
export interface RolloutState {
  readonly deployment: Deployment;
  readonly replicaSets: readonly ReplicaSet[];
  readonly hasRunningPods: (setUid: string) => boolean;
  readonly nowMs: number;
}

/**
 * The rollout as it will be after the steps planned so far: each step changes the sets here too, so that what follows
 * counts with it.
 */
export class Rollout {
  readonly deployment: Deployment;
  readonly nowMs: number;
  readonly steps: Step[] = [];
  status: DeploymentStatus;
  /** The deployment's revision annotation when it must change. */
  revision: string | undefined;
  #sets: ReplicaSet[];
  #newName: string | undefined;

  constructor(state: RolloutState) {
    this.deployment = state.deployment;
    this.nowMs = state.nowMs;
    this.status = state.deployment.status ?? {};
    this.#sets = [...state.replicaSets].sort(byCreation);
    this.#newName = findNewSet(state.deployment, this.#sets)?.metadata.name;
  }

  get newSet(): ReplicaSet | undefined {
    return this.#sets.find((set) => set.metadata.name === this.#newName);
  }

  /** All but the newest, oldest first. */
  get oldSets(): readonly ReplicaSet[] {
    return this.#newName === undefined ? this.#sets : this.#sets.filter((set) => set.metadata.name !== this.#newName);
  }

  get sets(): readonly ReplicaSet[] {
    return this.#sets;
  }

  create(set: ReplicaSet): void {
    const count = size(set);
    this.steps.push({ type: "create", set, ...(count > 0 ? { event: `Scaled up replica set ${set.metadata.name} from 0 to ${count}` } : {}) });
    this.#sets.push(set);
    this.#newName = set.metadata.name;
  }

  update(set: ReplicaSet): void {
    this.steps.push({ type: "update", set });
    this.#replace(set);
  }

  delete(set: ReplicaSet): void {
    this.steps.push({ type: "delete", set });
  }

  /** Sets the size, and notes beside it what the deployment wanted; says whether the size changed. */
  scale(set: ReplicaSet, replicas: number): boolean {
    const current = size(set);
    const wanted = replicasAnnotations(desired(this.deployment), desired(this.deployment) + fenceposts(this.deployment).maxSurge);
    const annotations = { ...set.metadata.annotations, ...wanted };
    if (current === replicas && deepEqual(annotations, set.metadata.annotations)) return false;
    const next: ReplicaSet = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
    const direction = current < replicas ? "up" : "down";
    const event = `Scaled ${direction} replica set ${set.metadata.name} from ${current} to ${replicas}`;
    this.steps.push({ type: "update", set: next, ...(current === replicas ? {} : { event }) });
    this.#replace(next);
    return current !== replicas;
  }

  progressing(): DeploymentCondition | undefined {
    return findCondition(this.status.conditions, "Progressing");
  }

  setCondition(type: string, status: "True" | "False" | "Unknown", reason: string, message: string): void {
    const now = rfc3339(this.nowMs);
    this.setConditions(withCondition(this.status.conditions, { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message }));
  }

  removeCondition(type: string): void {
    this.setConditions(withoutCondition(this.status.conditions, type));
  }

  setConditions(conditions: readonly DeploymentCondition[]): void {
    this.status = { ...this.status, conditions: conditions.length === 0 ? undefined : conditions };
  }

  #replace(set: ReplicaSet): void {
    this.#sets = this.#sets.map((known) => (known.metadata.name === set.metadata.name ? set : known));
  }
}
