import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { RESOLVABLE, type TemplateMemo, UNCOUNTED } from "./template-memo.ts";
import type { Verdict } from "./verdict.ts";

// As long as the templates' memos are kept.
const known = new WeakMap<TemplateMemo, MisfitMemo>();

/**
 * That no node takes pods of a template, and how often each reason was given: `said[2] === 4998` when 4,998 nodes say
 * the template's text number 2. Made after all nodes were judged, then kept current by those that changed since.
 * PERF: a further pod of its kind costs as much as there are changes, not as there are nodes.
 */
export class MisfitMemo {
  readonly #nodes: readonly NodeInfo[];
  readonly #memo: TemplateMemo;
  /** What stands in `#counts` for each slot; the template's memo may be ahead of it. */
  readonly #said: Uint16Array;
  readonly #kinds: Uint8Array;
  readonly #counts: number[];
  #seen: number;
  #resolvable: readonly NodeInfo[] | undefined;

  /** Of the cycle's template, as things stand now. Undefined: nobody knows that no node takes its pods. */
  static current(cycle: Cycle, memo: TemplateMemo): MisfitMemo | undefined {
    const misfits = known.get(memo);
    if (misfits === undefined || misfits.#follow(cycle)) return misfits;
    known.delete(memo);
    return undefined;
  }

  /** To be called right after all nodes were judged and none took the pod. */
  static note({ cluster }: Cycle, memo: TemplateMemo): void {
    const counts: number[] = [];
    for (const slot of cluster.slots) {
      const number = memo.saidAt(slot);
      // There are too many different texts to number them.
      if (number === UNCOUNTED) return;
      while (counts.length <= number) counts.push(0);
      counts[number] = (counts[number] ?? 0) + 1;
    }
    known.set(memo, new MisfitMemo(cluster, memo, counts));
  }

  private constructor({ nodes, generations }: Cycle["cluster"], memo: TemplateMemo, counts: number[]) {
    this.#nodes = nodes;
    this.#memo = memo;
    this.#counts = counts;
    ({ said: this.#said, kinds: this.#kinds } = memo.snapshot());
    this.#seen = generations.count;
  }

  /** Looks at what changed since. False: a node takes the pod now, or more changed than can be told. */
  #follow(cycle: Cycle): boolean {
    const { cluster } = cycle;
    const { generations } = cluster;
    if (cluster.nodes !== this.#nodes || generations.count - this.#seen > this.#nodes.length || !generations.remembers(this.#seen)) return false;
    for (; this.#seen < generations.count; this.#seen += 1) {
      const slot = generations.slotAt(this.#seen);
      const node = cluster.at(slot);
      if (node === undefined) continue;
      if (cycle.judge(node) === undefined) return false;
      const number = this.#memo.saidAt(slot);
      if (number === UNCOUNTED || slot >= this.#said.length) return false;
      this.#recount(slot, number, this.#memo.kindAt(slot));
    }
    return true;
  }

  #recount(slot: number, number: number, kind: number): void {
    const before = this.#said[slot] ?? UNCOUNTED;
    if (before !== number) {
      while (this.#counts.length <= number) this.#counts.push(0);
      this.#counts[before] = (this.#counts[before] ?? 0) - 1;
      this.#counts[number] = (this.#counts[number] ?? 0) + 1;
      this.#said[slot] = number;
    }
    if (this.#kinds[slot] === kind) return;
    this.#kinds[slot] = kind;
    this.#resolvable = undefined;
  }

  /** Adds how often each reason was given. */
  addSaid(counts: { readonly reasons: Map<string, number>; readonly plugins: Set<string> }): void {
    this.#memo.addSaid(this.#counts, counts);
  }

  /** The nodes where the end of other pods might help. */
  get resolvable(): readonly NodeInfo[] {
    if (this.#resolvable === undefined) {
      const some = this.#nodes.filter(({ slot }) => this.#kinds[slot] === RESOLVABLE);
      this.#resolvable = some.length === this.#nodes.length ? this.#nodes : some;
    }
    return this.#resolvable;
  }

  /** All nodes' verdicts, from the `startIndex`-th node on. */
  verdicts(startIndex: number): readonly Verdict[] {
    const verdicts: Verdict[] = [];
    for (let offset = 0; offset < this.#nodes.length; offset += 1) {
      const node = this.#nodes[(startIndex + offset) % this.#nodes.length];
      const verdict = node === undefined ? undefined : this.#memo.verdictAt(node.slot);
      if (verdict !== undefined) verdicts.push(verdict);
    }
    return verdicts;
  }
}
