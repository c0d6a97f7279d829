import type { Cluster } from "./cluster/cluster-state.ts";
import type { NodeInfo } from "./cluster/node-info.ts";

/** Stands for a node that does not fit. */
export const MISFIT = Number.NEGATIVE_INFINITY;
const UNKNOWN = Number.NaN;

const noNodes: readonly NodeInfo[] = [];

/**
 * What each node is worth to pods of one template for which nothing matters but single nodes, in the order of the
 * cluster's list: with nodes [a, b, c], `[171, -Infinity, NaN]` when a fits and has 171 points from the local plug-ins, b
 * does not fit, and nobody has looked at c since it changed.
 * PERF: between two pods of a kind one node changes; the others are read from one flat array.
 */
export class NodeBoard {
  #nodes = noNodes;
  #worths = new Float64Array(0);
  #seen = 0;

  /** With what changed since it was last asked for wiped out; whoever looks at such a node writes down what it is worth. */
  current(cluster: Pick<Cluster, "nodes" | "generations" | "positionOf">): Float64Array {
    const { nodes, generations } = cluster;
    if (nodes !== this.#nodes || generations.count - this.#seen > nodes.length || !generations.remembers(this.#seen)) {
      if (this.#worths.length !== nodes.length) this.#worths = new Float64Array(nodes.length);
      this.#worths.fill(UNKNOWN);
      this.#nodes = nodes;
      this.#seen = generations.count;
    }
    for (; this.#seen < generations.count; this.#seen += 1) {
      const position = cluster.positionOf(generations.slotAt(this.#seen));
      if (position !== undefined) this.#worths[position] = UNKNOWN;
    }
    return this.#worths;
  }
}

/** Whether nobody has looked at the node since it changed. */
export function isUnknown(worth: number): boolean {
  return Number.isNaN(worth);
}
