import type { NodeInfo } from "./cluster/node-info.ts";

export interface FittingOptions {
  /** What the local plug-ins give each of `nodes` in points; absent: not at hand. */
  readonly worths?: Float64Array | undefined;
}

/**
 * Nodes that fit, in the order they were found: the first `count` of `positions` say where in `nodes` they stand. Of
 * [a, b, c], with the search begun at c, a and c fit: positions [2, 0, …], count 2. The positions lie in a workspace: read
 * them before the next search.
 */
export class FittingNodes {
  readonly nodes: readonly NodeInfo[];
  readonly positions: Int32Array;
  readonly count: number;
  readonly worths: Float64Array | undefined;
  #list: readonly NodeInfo[] | undefined;

  constructor(nodes: readonly NodeInfo[], positions: Int32Array, count: number, { worths }: FittingOptions = {}) {
    this.nodes = nodes;
    this.positions = positions;
    this.count = count;
    this.worths = worths;
  }

  /** All of these. */
  static of(nodes: readonly NodeInfo[]): FittingNodes {
    return new FittingNodes(nodes, Int32Array.from(nodes.keys()), nodes.length);
  }

  at(index: number): NodeInfo {
    return this.nodes[this.positions[index] ?? 0] as NodeInfo;
  }

  /** Made when it is first asked for; it may be kept. */
  get list(): readonly NodeInfo[] {
    this.#list ??= Array.from({ length: this.count }, (_, index) => this.at(index));
    return this.#list;
  }
}
