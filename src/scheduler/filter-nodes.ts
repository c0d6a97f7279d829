import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { MisfitMemo } from "./misfit-memo.ts";
import { FITS, RESOLVABLE, type TemplateMemo, UNCOUNTED } from "./template-memo.ts";
import { isUnresolvable, type Verdict } from "./verdict.ts";

/** What filtering some nodes came to. */
export interface Filtered {
  readonly feasible: readonly NodeInfo[];
  /** Their slots, in the same order. */
  readonly slots: readonly number[];
  /** Of those that do not fit. Read them before the cluster changes. */
  readonly verdicts: readonly Verdict[];
  /** Of those, the nodes where the end of other pods might help. */
  readonly resolvable: readonly NodeInfo[];
  /** How many nodes were judged. */
  readonly evaluated: number;
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
  if (memo === undefined || nodes !== cluster.nodes || cycle.ownSlot() !== -1) return judgeEach(cycle, nodes, range, memo);
  const misfits = MisfitMemo.current(cycle, memo);
  if (misfits !== undefined) return allMisfit(misfits, nodes, range);
  const filtered = judgeEach(cycle, nodes, range, memo);
  if (filtered.feasible.length === 0) MisfitMemo.note(cycle, memo);
  return filtered;
}

function allMisfit(misfits: MisfitMemo, nodes: readonly NodeInfo[], { startIndex }: FilterRange): Filtered {
  const reasons = new Map<string, number>();
  const plugins = new Set<string>();
  misfits.addSaid({ reasons, plugins });
  let verdicts: readonly Verdict[] | undefined;
  return {
    feasible: [],
    slots: [],
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

function judgeEach(cycle: Cycle, nodes: readonly NodeInfo[], { startIndex, wanted }: FilterRange, memo: TemplateMemo | undefined): Filtered {
  const feasible: NodeInfo[] = [];
  const fitting: number[] = [];
  const verdicts: Verdict[] = [];
  const resolvable: NodeInfo[] = [];
  const reasons = new Map<string, number>();
  const plugins = new Set<string>();
  const said: number[] = [];
  const generations = cycle.cluster.generations.values;
  const isAll = nodes === cycle.cluster.nodes;
  const { slots } = cycle.cluster;
  const own = cycle.ownSlot();
  let at = nodes.length === 0 ? 0 : startIndex % nodes.length;
  for (let offset = 0; offset < nodes.length && feasible.length < wanted; offset += 1, at = at + 1 === nodes.length ? 0 : at + 1) {
    const node = nodes[at] as NodeInfo;
    const slot = isAll ? (slots[at] ?? 0) : node.slot;
    let verdict: Verdict | undefined;
    // PERF: what nothing has changed about since is not even looked at.
    if (memo !== undefined && slot !== own && memo.judgedAt.values[slot] === generations[slot]) {
      const kind = memo.kindAt(slot);
      if (kind === FITS) {
        feasible.push(node);
        fitting.push(slot);
        continue;
      }
      verdict = memo.verdictAt(slot);
      if (verdict !== undefined) {
        verdicts.push(verdict);
        if (kind === RESOLVABLE) resolvable.push(node);
        const number = memo.saidAt(slot);
        if (number === UNCOUNTED) count(verdict, { reasons, plugins });
        else {
          while (said.length <= number) said.push(0);
          said[number] = (said[number] ?? 0) + 1;
        }
        continue;
      }
    }
    verdict = cycle.judge(node);
    if (verdict === undefined) {
      feasible.push(node);
      fitting.push(slot);
    } else {
      verdicts.push(verdict);
      if (!isUnresolvable(verdict)) resolvable.push(node);
      count(verdict, { reasons, plugins });
    }
  }
  if (said.length > 0) memo?.addSaid(said, { reasons, plugins });
  return { feasible, slots: fitting, verdicts, resolvable, evaluated: feasible.length + verdicts.length, reasons, plugins };
}

function count({ plugin, rejections }: Verdict, { reasons, plugins }: { readonly reasons: Map<string, number>; readonly plugins: Set<string> }): void {
  plugins.add(plugin);
  for (const { reason } of rejections) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}
