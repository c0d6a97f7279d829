import type { Random } from "../base/random.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { filterNodes } from "./filter-nodes.ts";
import type { Plugin } from "./plugin.ts";
import type { TemplateMemo } from "./template-memo.ts";
import type { Diagnosis } from "./verdict.ts";

export type Choice =
  /** `cycle`: in which it was chosen, when not in the one that was given. */
  | { readonly node: NodeInfo; readonly cycle?: Cycle; readonly evaluated: number; readonly feasible: number }
  /** `resolvable`: the nodes where the end of other pods might help. */
  | { readonly node: undefined; readonly diagnosis: Diagnosis; readonly resolvable?: readonly NodeInfo[]; readonly evaluated: number };

export interface ChooseOptions {
  /** Where in the list of nodes to begin, so that all get their turn when only some are looked at. */
  readonly startIndex: number;
  /** How many of all nodes are enough to choose among; absent: fewer the more there are. */
  readonly percentageOfNodesToScore?: number | undefined;
  /** Others have a say in the nodes after the plug-ins. Default false. */
  readonly isAskedFurther?: boolean;
}

/** With fewer nodes than this all of them are looked at. */
const MIN_FEASIBLE = 100;
const MIN_PERCENT = 5;

/** How many fitting nodes are enough to choose among. @upstream schedule_one.go numFeasibleNodesToFind */
export function enoughNodes(total: number, percentage = 0): number {
  if (total < MIN_FEASIBLE) return total;
  const percent = percentage > 0 ? percentage : Math.max(MIN_PERCENT, 50 - Math.floor(total / 125));
  return Math.max(MIN_FEASIBLE, Math.floor((total * percent) / 100));
}

/** The nodes to choose among. Without any, `diagnosis` says why. */
export interface Found {
  readonly feasible: readonly NodeInfo[];
  /** Their slots, in the same order; absent: not at hand. */
  readonly slots?: readonly number[];
  /** The nodes where the end of other pods might help. */
  readonly resolvable: readonly NodeInfo[];
  readonly evaluated: number;
  diagnosis(): Diagnosis;
}

/** Judges nodes until enough fit. @upstream schedule_one.go findNodesThatFitPod */
export function findFeasible(cycle: Cycle, { startIndex, percentageOfNodesToScore, isAskedFurther = false }: ChooseOptions): Found {
  const { cluster, refusal, only, pod, plugins } = cycle;
  const total = cluster.nodes.length;
  if (refusal !== undefined) {
    const diagnosis = { total, verdicts: [], refusal: refusal.reason, others: refusal.reason, plugins: new Set([refusal.plugin]) };
    return { feasible: [], resolvable: [], evaluated: 0, diagnosis: () => diagnosis };
  }
  const nominated = cluster.node(pod.pod.status?.nominatedNodeName ?? "");
  const nodes = only === undefined ? cluster.nodes : [...only.nodes].flatMap((name) => cluster.node(name) ?? []);
  if (nominated !== undefined && (only === undefined || only.nodes.has(nominated.name)) && cycle.judge(nominated) === undefined)
    return { feasible: [nominated], resolvable: [], evaluated: 1, diagnosis: () => ({ total, verdicts: [], plugins: new Set() }) };
  // Where nobody rates, the first that fits is as good as any.
  const isRated = isAskedFurther || plugins.some(({ score }) => score !== undefined);
  const wanted = isRated ? enoughNodes(nodes.length, percentageOfNodesToScore) : 1;
  const filtered = filterNodes(cycle, nodes, { startIndex, wanted });
  const { feasible, slots, resolvable, evaluated, reasons, plugins: rejecting } = filtered;
  return {
    feasible,
    slots,
    resolvable,
    evaluated,
    diagnosis() {
      const others = only === undefined ? {} : { others: `node(s) didn't satisfy plugin(s) [${only.plugins.join(" ")}]` };
      return {
        total,
        get verdicts() {
          return filtered.verdicts;
        },
        judged: evaluated,
        plugins: new Set([...(only?.plugins ?? []), ...rejecting]),
        reasons,
        ...others,
      };
    },
  };
}

/** Filters, then rates: the best node, or what each one lacks. @upstream schedule_one.go schedulePod */
export function chooseNode(cycle: Cycle, options: ChooseOptions, random: Random): Choice {
  const { feasible, slots, resolvable, evaluated, diagnosis } = findFeasible(cycle, options);
  if (feasible.length === 0) return { node: undefined, diagnosis: diagnosis(), resolvable, evaluated };
  return { node: bestNode(cycle, feasible, random, { slots }), evaluated, feasible: feasible.length };
}

export interface RatingOptions {
  /** Points besides those of the plug-ins. */
  readonly extra?: (node: NodeInfo) => number;
  /** The nodes' slots, in the same order. */
  readonly slots?: readonly number[] | undefined;
}

export function bestNode(cycle: Cycle, feasible: readonly NodeInfo[], random: Random, { extra, slots }: RatingOptions = {}): NodeInfo {
  const [first] = feasible;
  if (first !== undefined && feasible.length === 1) return first;
  const totals = rateNodes(cycle, feasible, slots);
  let most = Number.NEGATIVE_INFINITY;
  let tied: number[] = [];
  for (let index = 0; index < totals.length; index += 1) {
    const total = (totals[index] ?? 0) + (extra === undefined ? 0 : extra(feasible[index] as NodeInfo));
    if (total < most) continue;
    if (total > most) {
      most = total;
      tied = [];
    }
    tied.push(index);
  }
  // Among equals chance decides, so that they share.
  return feasible[tied[Math.floor(random.next() * tied.length)] ?? 0] as NodeInfo;
}

/** The weighted scores of all plug-ins together, in the order of the nodes. */
export function rateNodes(cycle: Cycle, feasible: readonly NodeInfo[], slots?: readonly number[]): readonly number[] {
  const { pod, cluster, memo } = cycle;
  const totals = new Array<number>(feasible.length).fill(0);
  const plain: Plugin[] = [];
  for (const plugin of cycle.plugins) {
    if (plugin.score === undefined) continue;
    const state = plugin.prescore?.(pod, cluster, feasible);
    if (state === "skip") continue;
    if (plugin.isLocal === true && plugin.normalize === undefined) {
      plain.push(plugin);
      continue;
    }
    const scores = feasible.map((node) => plugin.score?.(pod, node, state) ?? 0);
    plugin.normalize?.(scores, state);
    for (let index = 0; index < totals.length; index += 1) totals[index] = (totals[index] ?? 0) + (scores[index] ?? 0) * (plugin.weight ?? 1);
  }
  const rate = (node: NodeInfo): number => {
    let sum = 0;
    for (const plugin of plain) sum += (plugin.score?.(pod, node, undefined) ?? 0) * (plugin.weight ?? 1);
    return sum;
  };
  if (plain.length === 0) return totals;
  const generations = cluster.generations.values;
  for (let index = 0; index < feasible.length; index += 1) {
    const slot = slots?.[index];
    const rating =
      memo !== undefined && slot !== undefined && memo.isRatedAt(slot, generations[slot] ?? 0) ? memo.ratingAt(slot) : ratingOf(feasible[index] as NodeInfo, rate, memo);
    totals[index] = (totals[index] ?? 0) + rating;
  }
  return totals;
}

function ratingOf(node: NodeInfo, rate: (node: NodeInfo) => number, memo: TemplateMemo | undefined): number {
  if (memo === undefined) return rate(node);
  return memo.isRatedAt(node.slot, node.generation) ? memo.ratingAt(node.slot) : memo.rated(node, rate(node));
}
