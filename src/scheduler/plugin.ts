import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** Why a pod may not run on a node. Undefined is: it may. */
export interface Rejection {
  /** In upstream's words: `Insufficient cpu`, `node(s) had untolerated taint {a: b}`. */
  readonly reason: string;
  /** Whether ending other pods could not help. */
  readonly unresolvable: boolean;
  /** How far off, where that is a number: what is asked, what is free. */
  readonly lack?: { readonly resource: string; readonly requested: number; readonly free: number };
}

/** What a plug-in works out once per pod, for all nodes. */
export type CycleState = unknown;

/** Judges and rates one pod on one node. Pure: the same pod, node and snapshot give the same answer. */
export interface Plugin {
  readonly name: string;
  /** Once per pod before filtering. */
  prefilter?(pod: PodInfo, nodes: Snapshot): CycleState;
  filter?(pod: PodInfo, node: NodeInfo, state: CycleState): readonly Rejection[];
  /** Once per pod before scoring, with the nodes that passed. */
  prescore?(pod: PodInfo, nodes: Snapshot, feasible: readonly NodeInfo[]): CycleState;
  /** The higher the better; `normalize` brings all nodes' scores to 0 to 100. */
  score?(pod: PodInfo, node: NodeInfo, state: CycleState): number;
  normalize?(scores: number[]): void;
  readonly weight?: number;
}

/** The nodes as one cycle sees them. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
}

const MAX_SCORE = 100;

/** Brings scores to 0 to 100 by the largest; `reverse` for scores that count against a node. @upstream plugins/helper/normalize_score.go */
export function normalizeByMax(scores: number[], reverse: boolean): void {
  const max = Math.max(0, ...scores);
  for (let index = 0; index < scores.length; index += 1) {
    const scaled = max === 0 ? 0 : Math.floor((MAX_SCORE * (scores[index] ?? 0)) / max);
    scores[index] = reverse ? MAX_SCORE - scaled : scaled;
  }
}
