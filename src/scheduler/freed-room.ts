import type { Pod } from "../api/generated/types/core-v1.ts";
import type { PodDisruptionBudget } from "../api/generated/types/policy-v1.ts";
import type { ClusterState } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { mayEndPods } from "./preemption/find-candidates.ts";
import type { TemplateMemo } from "./template-memo.ts";

/**
 * How matters stood for a pod when it fitted nowhere, if nothing mattered but single nodes and the pods on them: then
 * a pod that ends can help it on that pod's node alone.
 */
export interface Standing {
  readonly memo: TemplateMemo;
  /** Where room was being made for it. */
  readonly nominated: string | undefined;
}

export interface Waiting {
  readonly key: string;
  readonly pod: Pod;
  /** Undefined: more than single nodes mattered. */
  readonly standing?: Standing | undefined;
}

export interface FreedRoomDeps {
  readonly cluster: ClusterState;
  /** Undefined: nobody schedules the pod. */
  cycleOf(pod: Pod): Cycle | undefined;
  budgets(): readonly PodDisruptionBudget[];
  now(): number;
}

/** Says which waiting pods may use room that became free on a node: of all that end, most help no one but the pod that they were ended for. */
export class FreedRoom {
  readonly #deps: FreedRoomDeps;

  constructor(deps: FreedRoomDeps) {
    this.#deps = deps;
  }

  /** To be asked about any number of pods, before anything else happens. */
  on(nodeName: string): (waiting: Waiting) => boolean {
    const { cluster } = this.#deps;
    const node = cluster.node(nodeName);
    // PERF: pods of one template are judged once.
    const known = new Map<TemplateMemo, Answer>();
    return ({ key, pod, standing }) => {
      const nominated = cluster.nominations.nodeOf(key);
      if (standing === undefined || standing.nominated !== nominated || nominated === nodeName) return true;
      if (node === undefined) return false;
      let answer = known.get(standing.memo);
      if (answer === undefined) {
        answer = this.#ask(pod, node);
        known.set(standing.memo, answer);
      }
      // One that room is being made for elsewhere ends nobody else meanwhile.
      return answer.fits || (nominated === undefined && answer.mayEndPods());
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
