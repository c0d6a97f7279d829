import type { NodeInfo } from "./node-info.ts";

/**
 * How many of something there are on each node, and by the values of a node label once asked for:
 * `perNode {n1 => 2, n2 => 1}`, `by("zone") {"a" => 3}`. Nothing is kept at zero.
 */
export class Tally {
  readonly perNode = new Map<NodeInfo, number>();
  readonly #byLabel = new Map<string, Map<string, number>>();

  get isEmpty(): boolean {
    return this.perNode.size === 0;
  }

  /** `node` counts under the labels it has now: whoever changes them takes its share out before and puts it in after. */
  add(node: NodeInfo, change: number): void {
    count(this.perNode, node, change);
    for (const [topologyKey, values] of this.#byLabel) {
      const value = node.labels[topologyKey];
      if (value !== undefined) count(values, value, change);
    }
  }

  /** Live: it changes with the cluster. */
  by(topologyKey: string): ReadonlyMap<string, number> {
    let values = this.#byLabel.get(topologyKey);
    if (values !== undefined) return values;
    values = new Map();
    for (const [node, number] of this.perNode) {
      const value = node.labels[topologyKey];
      if (value !== undefined) count(values, value, number);
    }
    this.#byLabel.set(topologyKey, values);
    return values;
  }
}

function count<K>(map: Map<K, number>, key: K, change: number): void {
  const value = (map.get(key) ?? 0) + change;
  if (value === 0) map.delete(key);
  else map.set(key, value);
}

/** Numbers by topology value with changes tried on top; what lies below stays as it is. */
export class TriedCounts {
  readonly #base: ReadonlyMap<string, number>;
  #changes: Map<string, number> | undefined;

  constructor(base: ReadonlyMap<string, number>, changes?: ReadonlyMap<string, number>) {
    this.#base = base;
    this.#changes = changes === undefined ? undefined : new Map(changes);
  }

  get(value: string): number {
    const below = this.#base.get(value) ?? 0;
    return this.#changes === undefined ? below : below + (this.#changes.get(value) ?? 0);
  }

  get isEmpty(): boolean {
    if (this.#changes === undefined) return this.#base.size === 0;
    for (const value of this.#base.keys()) if (this.get(value) !== 0) return false;
    for (const value of this.#changes.keys()) if (this.get(value) !== 0) return false;
    return true;
  }

  add(value: string, change: number): void {
    this.#changes ??= new Map();
    count(this.#changes, value, change);
  }

  fork(): TriedCounts {
    return new TriedCounts(this.#base, this.#changes);
  }

  /** The smallest number among `values`; 0 when there are none. */
  least(values: ReadonlyMap<string, unknown>): number {
    // PERF: a value that nothing is counted under ends it at once.
    if (this.#changes === undefined && this.#base.size < values.size) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (const value of values.keys()) {
      const number = this.get(value);
      if (number < least) least = number;
      if (least <= 0) break;
    }
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }
}
