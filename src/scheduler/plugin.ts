import type { Pod } from "../api/generated/types/core-v1.ts";
import type { Change, ChangeKind } from "./changes.ts";
import type { Cluster } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { PodInfo } from "./cluster/pod-info.ts";

/** Why a pod may not run on a node. */
export interface Rejection {
  /** In upstream's words: `Insufficient cpu`. */
  readonly reason: string;
  /** Whether ending other pods could not help. */
  readonly unresolvable: boolean;
  /** What the reason leaves out: `{key: value}` of a taint. */
  readonly detail?: string;
  /** How far off, where that is a number: what is asked, what is free. */
  readonly lack?: { readonly resource: string; readonly requested: number; readonly free: number };
}

/** What a plug-in works out once per pod, for all nodes. Only it knows what is in there. */
export type CycleState = unknown;

export type Prefiltered =
  /** Any node will do as far as this plug-in goes. */
  | "skip"
  /** No node will do, whatever ends. */
  | { readonly rejected: string }
  /** `only`: no other node can do. */
  | { readonly state: CycleState; readonly only?: ReadonlySet<string> | undefined };

/** Another pod that comes to a node or leaves it, as a try. */
export interface TriedChange {
  readonly other: PodInfo;
  readonly node: NodeInfo;
  readonly by: 1 | -1;
}

/** What has to be done once a node is chosen, before the pod is bound to it. */
export interface Reservation {
  /** Rejects when it cannot be done: the pod then tries again. */
  commit(signal: AbortSignal): Promise<void>;
  /** Gives back what was taken: in memory at once, what was written down in the background. */
  undo(): void | Promise<void>;
}

/** One for each node, to be changed in place. */
export interface Scores {
  readonly length: number;
  [index: number]: number;
}

/** What a plug-in can do for a pod that fits nowhere, besides ending other pods. */
export interface Relief {
  /** In upstream's words: `still not schedulable`. */
  readonly text: string;
  act?(signal: AbortSignal): Promise<void>;
}

/** Judges and rates one pod on one node. Pure: the same pod, node and cluster give the same answer. */
export interface Plugin {
  readonly name: string;
  /**
   * Whether filter and score read nothing but what PodInfo.template holds, the one node and (seldom changed) device
   * classes, so that the answer stands for all pods of a template until the node changes. Such plug-ins have no state, and come before all others.
   */
  readonly isLocal?: true;
  /** Whether the pod need not be tried yet. @upstream PreEnqueue */
  holds?(pod: Pod): boolean;
  /** Once per pod before filtering; absent: nothing to prepare. */
  prefilter?(pod: PodInfo, cluster: Cluster): Prefiltered;
  /** Undefined: the pod may run there. */
  filter?(pod: PodInfo, node: NodeInfo, state: CycleState): readonly Rejection[] | undefined;
  /** The labels that are all that `filter` reads of a node: nodes alike in them get the same answer. Absent: it may read anything. */
  topologyKeys?(state: CycleState): readonly string[];
  /** A copy of the state that `adjust` may change. Absent: other pods do not matter to the state. */
  fork?(state: CycleState): CycleState;
  adjust?(state: CycleState, pod: PodInfo, change: TriedChange): void;
  /**
   * Once per pod before scoring; `feasible` gives the nodes that passed. `skip`: it would rate all alike. That of a local
   * plug-in without `normalize` goes by the pod's template alone, and its score needs no state.
   */
  prescore?(pod: PodInfo, cluster: Cluster, feasible: () => readonly NodeInfo[]): CycleState;
  /** The higher the better; `normalize` brings all nodes' scores to 0 to 100, in whole numbers. */
  score?(pod: PodInfo, node: NodeInfo, state: CycleState): number;
  normalize?(scores: Scores, state: CycleState): void;
  readonly weight?: number;
  /** Takes what the pod needs on the node that was chosen. Undefined: nothing is left to do. */
  reserve?(pod: PodInfo, node: NodeInfo, state: CycleState): Reservation | undefined;
  /** When no node will do. Without a state: the plug-in had nothing to judge. @upstream PostFilter */
  relieve?(pod: PodInfo, state: CycleState): Relief;
  /** Changes after which a pod that this plug-in turned away may fit. */
  readonly listens?: readonly ChangeKind[];
  /** A closer look at one of them; absent: each may help. @upstream QueueingHintFn */
  mayHelp?(pod: PodInfo, change: Change): boolean;
}

export const MAX_SCORE = 100;

/** Brings scores to 0 to 100 by the largest; `reverse` for scores that count against a node. @upstream plugins/helper/normalize_score.go */
export function normalizeByMax(scores: Scores, reverse: boolean): void {
  let max = 0;
  for (let index = 0; index < scores.length; index += 1) max = Math.max(max, scores[index] ?? 0);
  for (let index = 0; index < scores.length; index += 1) {
    const scaled = max === 0 ? 0 : Math.floor((MAX_SCORE * (scores[index] ?? 0)) / max);
    scores[index] = reverse ? MAX_SCORE - scaled : scaled;
  }
}
