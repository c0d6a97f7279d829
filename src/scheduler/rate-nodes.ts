import type { Random } from "../base/random.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import type { FittingNodes } from "./fitting-nodes.ts";
import type { Plugin } from "./plugin.ts";

export interface RatingOptions {
  /** Points besides those of the plug-ins. */
  readonly extra?: (node: NodeInfo) => number;
}

/** Of at least one. @upstream schedule_one.go selectHost */
export function bestNode(cycle: Cycle, fitting: FittingNodes, random: Random, { extra }: RatingOptions = {}): NodeInfo {
  const { count } = fitting;
  if (count === 1) return fitting.at(0);
  const totals = rateNodes(cycle, fitting);
  if (extra !== undefined) for (let index = 0; index < count; index += 1) totals[index] = (totals[index] ?? 0) + extra(fitting.at(index));
  let most = Number.NEGATIVE_INFINITY;
  let tied = 0;
  for (let index = 0; index < count; index += 1) {
    const total = totals[index] ?? 0;
    if (total > most) {
      most = total;
      tied = 1;
    } else if (total === most) tied += 1;
  }
  // Among equals chance decides, so that they share.
  let skipped = Math.floor(random.next() * tied);
  let best = 0;
  for (; best < count; best += 1) {
    if (totals[best] !== most) continue;
    if (skipped === 0) break;
    skipped -= 1;
  }
  return fitting.at(best);
}

/** The weighted scores of all plug-ins together, in the order of the nodes; in the cycle's workspace. */
export function rateNodes(cycle: Cycle, fitting: FittingNodes): Float64Array {
  const { pod, cluster } = cycle;
  const { count } = fitting;
  const totals = cycle.workspace.totals(count);
  ratePlainly(cycle, fitting, totals);
  const feasible = (): readonly NodeInfo[] => fitting.list;
  for (const plugin of cycle.plugins) {
    if (plugin.score === undefined || isPlain(plugin)) continue;
    const state = plugin.prescore?.(pod, cluster, feasible);
    if (state === "skip") continue;
    const scores = cycle.workspace.scores(count);
    for (let index = 0; index < count; index += 1) scores[index] = plugin.score(pod, fitting.at(index), state);
    plugin.normalize?.(scores, state);
    const { weight = 1 } = plugin;
    for (let index = 0; index < count; index += 1) totals[index] = (totals[index] ?? 0) + (scores[index] ?? 0) * weight;
  }
  return totals;
}

/** Begins the totals with what goes by a node alone. */
function ratePlainly(cycle: Cycle, fitting: FittingNodes, totals: Float64Array): void {
  const { positions, worths, nodes } = fitting;
  if (worths !== undefined) {
    for (let index = 0; index < totals.length; index += 1) totals[index] = worths[positions[index] ?? 0] ?? 0;
    return;
  }
  const { memo, cluster } = cycle;
  const rate = plainRater(cycle);
  const isAll = nodes === cluster.nodes;
  const { slots } = cluster;
  const generations = cluster.generations.values;
  for (let index = 0; index < totals.length; index += 1) {
    const position = positions[index] ?? 0;
    const slot = isAll ? (slots[position] ?? 0) : (nodes[position] as NodeInfo).slot;
    totals[index] = memo !== undefined && memo.isRatedAt(slot, generations[slot] ?? 0) ? memo.ratingAt(slot) : rate(nodes[position] as NodeInfo);
  }
}

/** Whether the plug-in's points for a node go by the pod's template and that node alone. */
function isPlain({ isLocal, normalize }: Plugin): boolean {
  return isLocal === true && normalize === undefined;
}

/** Says what the plug-ins that go by a node alone give it together. */
export function plainRater(cycle: Cycle): (node: NodeInfo) => number {
  const { memo, pod } = cycle;
  if (memo === undefined) {
    const raters = plainRaters(cycle);
    return (node) => sum(raters, pod, node);
  }
  return (node) => (memo.isRatedAt(node.slot, node.generation) ? memo.ratingAt(node.slot) : memo.rated(node, sum((memo.raters ??= plainRaters(cycle)), pod, node)));
}

function sum(raters: readonly Plugin[], pod: Cycle["pod"], node: NodeInfo): number {
  let points = 0;
  for (const { score, weight = 1 } of raters) points += (score?.(pod, node, undefined) ?? 0) * weight;
  return points;
}

function plainRaters({ plugins, pod, cluster }: Cycle): readonly Plugin[] {
  return plugins.filter((plugin) => plugin.score !== undefined && isPlain(plugin) && plugin.prescore?.(pod, cluster, () => []) !== "skip");
}
