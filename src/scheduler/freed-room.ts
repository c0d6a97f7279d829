import type { Pod } from "../api/generated/types/core-v1.ts";
import type { PodDisruptionBudget } from "../api/generated/types/policy-v1.ts";
import type { ClusterState } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { mayEndPods } from "./preemption/find-candidates.ts";
import type { TemplateMemo } from "./template-memo.ts";

/**
 * How matters stood for pods of a template when they fitted nowhere, if nothing mattered but single nodes and the pods
 * on them: then a pod that ends can help them on that pod's node alone. One object for all pods that are alike in this.
 */
export interface Standing {
  readonly memo: TemplateMemo;
  /** Room is being made for them, each on a node of its own. */
  readonly isNominated: boolean;
}

const standings = new WeakMap<TemplateMemo, { readonly free: Standing; readonly nominated: Standing }>();

/** `isNominated` has to hold for as long as a pod waits with the answer. */
export function standingOf(memo: TemplateMemo, isNominated: boolean): Standing {
  let known = standings.get(memo);
  if (known === undefined) {
    known = { free: { memo, isNominated: false }, nominated: { memo, isNominated: true } };
    standings.set(memo, known);
  }
  return isNominated ? known.nominated : known.free;
}

export interface FreedRoomDeps {
  readonly cluster: ClusterState;
  /** Undefined: nobody schedules the pod. */
  cycleOf(pod: Pod): Cycle | undefined;
  budgets(): readonly PodDisruptionBudget[];
  now(): number;
}

/** Room that became free on a node. Good until anything else happens. */
export interface Room {
  /** Keys of the pods that are to come to the node. */
  readonly keptFor: readonly string[];
  /** Whether pods that stand so may use it, those aside that it is kept for. `pod`: one of them. */
  mayUse(standing: Standing, pod: Pod): boolean;
}

/**
 * Says which waiting pods may use room that became free on a node.
 * PERF: of all pods that end for the sake of others most help nobody else; pods of one template are judged once.
 */
export class FreedRoom {
  readonly #deps: FreedRoomDeps;

  constructor(deps: FreedRoomDeps) {
    this.#deps = deps;
  }

  on(nodeName: string): Room {
    const { cluster } = this.#deps;
    const node = cluster.node(nodeName);
    const known = new Map<TemplateMemo, Answer>();
    return {
      keptFor: cluster.nominations.on(nodeName).map(({ key }) => key),
      mayUse: ({ memo, isNominated }, pod) => {
        if (node === undefined) return false;
        let answer = known.get(memo);
        if (answer === undefined) {
          answer = this.#ask(pod, node);
          known.set(memo, answer);
        }
        // Those that room is being made for elsewhere end nobody else meanwhile.
        return answer.fits || (!isNominated && answer.mayEndPods());
      },
    };
  }

  #ask(pod: Pod, node: NodeInfo): Answer {
    const cycle = this.#deps.cycleOf(pod);
    if (cycle?.wholeMemo() === undefined || cycle.refusal !== undefined || cycle.judge(node) === undefined) return { fits: true, mayEndPods: () => true };
    let mayEnd: boolean | undefined;
    return {
      fits: false,
      mayEndPods: () => {
        mayEnd ??= mayEndPods(cycle, node, { budgets: this.#deps.budgets(), nowMs: this.#deps.now() });
        return mayEnd;
      },
    };
  }
}

interface Answer {
  readonly fits: boolean;
  mayEndPods(): boolean;
}
