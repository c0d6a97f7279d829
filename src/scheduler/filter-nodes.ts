import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { FittingNodes } from "./fitting-nodes.ts";
import { MisfitMemo } from "./misfit-memo.ts";
import { isUnknown, MISFIT } from "./node-board.ts";
import { plainRater } from "./rate-nodes.ts";
import type { TopologyFilter } from "./topology-filter.ts";
import { type TemplateMemo, UNCOUNTED } from "./template-memo.ts";
import { isUnresolvable, type Verdict } from "./verdict.ts";

/** What filtering some nodes came to. */
export interface Filtered {
  readonly fitting: FittingNodes;
  /** How many nodes were judged. */
  readonly evaluated: number;
  /** Of those that do not fit. Read them, and what follows, before the cluster changes. */
  readonly verdicts: readonly Verdict[];
  /** Of those, the nodes where the end of other pods might help. */
  readonly resolvable: readonly NodeInfo[];
  /** How many nodes each reason was given for. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Plug-ins that turned a node away. */
  readonly plugins: ReadonlySet<string>;
}

export interface FilterRange {
  readonly startIndex: number;
  readonly wanted: number;
}

/** Judges nodes from the `startIndex`-th on, around the list, until `wanted` fit. */
export function filterNodes(cycle: Cycle, nodes: readonly NodeInfo[], range: FilterRange): Filtered {
  const { cluster } = cycle;
  const memo = cycle.wholeMemo();
  if (cycle.memo === undefined || nodes !== cluster.nodes || cycle.ownSlot() !== -1) return judgeEach(cycle, nodes, range, memo);
  if (memo === undefined) {
    // Others that are to come to a node are looked at one by one: they may matter to what is said of other nodes.
    const filters = cluster.nominations.isEmpty ? cycle.topologyFilters() : undefined;
    const filtered = filters === undefined ? undefined : readBoard(cycle, nodes, range, cycle.memo, filters);
    return filtered !== undefined && filtered.fitting.count > 0 ? filtered : judgeEach(cycle, nodes, range, memo);
  }
  const misfits = MisfitMemo.current(cycle, memo);
  if (misfits !== undefined) return allMisfit(misfits, nodes, range);
  const filtered = readBoard(cycle, nodes, range, memo);
  if (filtered.fitting.count > 0) return filtered;
  const judged = judgeEach(cycle, nodes, range, memo);
  MisfitMemo.note(cycle, memo);
  return judged;
}

function allMisfit(misfits: MisfitMemo, nodes: readonly NodeInfo[], { startIndex }: FilterRange): Filtered {
  const reasons = new Map<string, number>();
  const plugins = new Set<string>();
  misfits.addSaid({ reasons, plugins });
  let verdicts: readonly Verdict[] | undefined;
  return {
    fitting: FittingNodes.of([]),
    get verdicts() {
      verdicts ??= misfits.verdicts(startIndex);
      return verdicts;
    },
    resolvable: misfits.resolvable,
    evaluated: nodes.length,
    reasons,
    plugins,
  };
}

/** Looks up what is known of each node, and judges and rates those that changed. */
function readBoard(cycle: Cycle, nodes: readonly NodeInfo[], range: FilterRange, memo: TemplateMemo, filters?: readonly TopologyFilter[]): Filtered {
  const worths = memo.board.current(cycle.cluster);
  const positions = cycle.workspace.positions(range.wanted);
  const { length } = nodes;
  const rate = plainRater(cycle);
  let evaluated = 0;
  let count = 0;
  for (let at = length === 0 ? 0 : range.startIndex % length; evaluated < length && count < range.wanted; evaluated += 1) {
    let worth = worths[at] ?? MISFIT;
    if (isUnknown(worth)) {
      const node = nodes[at] as NodeInfo;
      const verdict = filters === undefined ? cycle.judge(node) : cycle.judgeAlone(node);
      worth = verdict === undefined ? rate(node) : MISFIT;
      worths[at] = worth;
    }
    if (worth !== MISFIT && (filters === undefined || allTake(filters, nodes[at] as NodeInfo, at))) {
      positions[count] = at;
      count += 1;
    }
    at = at + 1 === length ? 0 : at + 1;
  }
  // Where some fit hardly anybody asks what was said of the others.
  let judged: Filtered | undefined;
  const details = (): Filtered => (judged ??= judgeEach(cycle, nodes, range, cycle.wholeMemo(), new Int32Array(range.wanted)));
  return {
    fitting: new FittingNodes(nodes, positions, count, { worths }),
    evaluated,
    get verdicts() {
      return details().verdicts;
    },
    get resolvable() {
      return details().resolvable;
    },
    get reasons() {
      return details().reasons;
    },
    get plugins() {
      return details().plugins;
    },
  };
}

function allTake(filters: readonly TopologyFilter[], node: NodeInfo, position: number): boolean {
  for (const filter of filters) if (!filter.takes(node, position)) return false;
  return true;
}

function judgeEach(
  cycle: Cycle,
  nodes: readonly NodeInfo[],
  { startIndex, wanted }: FilterRange,
  memo: TemplateMemo | undefined,
  positions = cycle.workspace.positions(wanted),
): Filtered {
  const verdicts: Verdict[] = [];
  /** Where their nodes stand. */
  const misfits: number[] = [];
  /** Of the verdicts, the ones that have no number, and by number how many say each. */
  const uncounted: Verdict[] = [];
  const said: number[] = [];
  const generations = cycle.cluster.generations.values;
  const isAll = nodes === cycle.cluster.nodes;
  const { slots } = cycle.cluster;
  const own = cycle.ownSlot();
  let count = 0;
  let at = nodes.length === 0 ? 0 : startIndex % nodes.length;
  for (let offset = 0; offset < nodes.length && count < wanted; offset += 1, at = at + 1 === nodes.length ? 0 : at + 1) {
    const slot = isAll ? (slots[at] ?? 0) : (nodes[at] as NodeInfo).slot;
    // PERF: what nothing has changed about since is not even looked at.
    const isKnown = memo !== undefined && slot !== own && memo.judgedAt.values[slot] === generations[slot];
    const verdict = isKnown ? memo.verdictAt(slot) : cycle.judge(nodes[at] as NodeInfo);
    if (verdict === undefined) {
      positions[count] = at;
      count += 1;
      continue;
    }
    verdicts.push(verdict);
    misfits.push(at);
    const number = isKnown ? memo.saidAt(slot) : UNCOUNTED;
    if (number === UNCOUNTED) uncounted.push(verdict);
    else {
      while (said.length <= number) said.push(0);
      said[number] = (said[number] ?? 0) + 1;
    }
  }
  return new Judged(new FittingNodes(nodes, positions, count), { verdicts, misfits, uncounted, said, memo });
}

interface Said {
  readonly verdicts: readonly Verdict[];
  readonly misfits: readonly number[];
  readonly uncounted: readonly Verdict[];
  readonly said: readonly number[];
  readonly memo: TemplateMemo | undefined;
}

/** PERF: reasons are counted when somebody asks for them; where a node fits nobody does. */
class Judged implements Filtered {
  readonly fitting: FittingNodes;
  readonly verdicts: readonly Verdict[];
  readonly evaluated: number;
  readonly #said: Said;
  #counts: { readonly reasons: Map<string, number>; readonly plugins: Set<string> } | undefined;

  constructor(fitting: FittingNodes, said: Said) {
    this.fitting = fitting;
    this.verdicts = said.verdicts;
    this.evaluated = fitting.count + said.verdicts.length;
    this.#said = said;
  }

  get resolvable(): readonly NodeInfo[] {
    const { nodes } = this.fitting;
    return this.verdicts.flatMap((verdict, index) => (isUnresolvable(verdict) ? [] : [nodes[this.#said.misfits[index] ?? 0] as NodeInfo]));
  }

  get reasons(): ReadonlyMap<string, number> {
    return this.#counted().reasons;
  }

  get plugins(): ReadonlySet<string> {
    return this.#counted().plugins;
  }

  #counted(): { readonly reasons: ReadonlyMap<string, number>; readonly plugins: ReadonlySet<string> } {
    if (this.#counts !== undefined) return this.#counts;
    const { uncounted, said, memo } = this.#said;
    const reasons = new Map<string, number>();
    const plugins = new Set<string>();
    for (const { plugin, rejections } of uncounted) {
      plugins.add(plugin);
      for (const { reason } of rejections) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (said.length > 0) memo?.addSaid(said, { reasons, plugins });
    this.#counts = { reasons, plugins };
    return this.#counts;
  }
}
