import type { Random } from "../base/random.ts";
import type { NodeInfo } from "./node-info.ts";
import type { CycleState, Plugin, Rejection, Snapshot } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

/** Why one node was not taken. */
export interface Verdict {
  readonly node: string;
  readonly plugin: string;
  readonly rejections: readonly Rejection[];
}

export type Choice = { readonly node: NodeInfo; readonly evaluated: number } | { readonly node: undefined; readonly verdicts: readonly Verdict[] };

export interface ChooseOptions {
  readonly plugins: readonly Plugin[];
  /** Where in the list of nodes to begin, so that all get their turn when only some are looked at. */
  readonly startIndex: number;
}

/** With fewer nodes than this all of them are looked at. */
const MIN_FEASIBLE = 100;

/** How many fitting nodes are enough to choose among. @upstream schedule_one.go numFeasibleNodesToFind */
export function enoughNodes(total: number): number {
  if (total < MIN_FEASIBLE) return total;
  const percent = Math.max(5, 50 - Math.floor(total / 125));
  return Math.max(MIN_FEASIBLE, Math.floor((total * percent) / 100));
}

/** Filters, then rates: the best node, or what each one lacks. */
export function chooseNode(pod: PodInfo, snapshot: Snapshot, { plugins, startIndex }: ChooseOptions, random: Random): Choice {
  const { nodes } = snapshot;
  const filters = plugins.flatMap((plugin) => (plugin.filter === undefined ? [] : [{ plugin, state: plugin.prefilter?.(pod, snapshot) }]));
  const wanted = enoughNodes(nodes.length);
  const feasible: NodeInfo[] = [];
  const verdicts: Verdict[] = [];
  let evaluated = 0;
  for (let offset = 0; offset < nodes.length && feasible.length < wanted; offset += 1) {
    const node = nodes[(startIndex + offset) % nodes.length] as NodeInfo;
    evaluated += 1;
    const verdict = judge(pod, node, filters);
    if (verdict === undefined) feasible.push(node);
    else verdicts.push(verdict);
  }
  if (feasible.length === 0) return { node: undefined, verdicts };
  return { node: best(pod, snapshot, feasible, plugins, random), evaluated };
}

function judge(pod: PodInfo, node: NodeInfo, filters: readonly { readonly plugin: Plugin; readonly state: CycleState }[]): Verdict | undefined {
  for (const { plugin, state } of filters) {
    const rejections = plugin.filter?.(pod, node, state) ?? [];
    if (rejections.length > 0) return { node: node.name, plugin: plugin.name, rejections };
  }
  return undefined;
}

function best(pod: PodInfo, snapshot: Snapshot, feasible: readonly NodeInfo[], plugins: readonly Plugin[], random: Random): NodeInfo {
  const [only] = feasible;
  if (feasible.length === 1 && only !== undefined) return only;
  const totals = new Array<number>(feasible.length).fill(0);
  for (const plugin of plugins) {
    if (plugin.score === undefined) continue;
    const state = plugin.prescore?.(pod, snapshot, feasible);
    const scores = feasible.map((node) => plugin.score?.(pod, node, state) ?? 0);
    plugin.normalize?.(scores);
    for (let index = 0; index < totals.length; index += 1) totals[index] = (totals[index] ?? 0) + (scores[index] ?? 0) * (plugin.weight ?? 1);
  }
  // Among equals chance decides, so that they share. @upstream selectHost
  let chosen = 0;
  let ties = 1;
  for (let index = 1; index < totals.length; index += 1) {
    const difference = (totals[index] ?? 0) - (totals[chosen] ?? 0);
    if (difference > 0) [chosen, ties] = [index, 1];
    else if (difference === 0) {
      ties += 1;
      if (random.next() * ties < 1) chosen = index;
    }
  }
  return feasible[chosen] as NodeInfo;
}

/** `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {a: b}.` @upstream framework/types.go FitError */
export function unschedulableMessage(total: number, verdicts: readonly Verdict[]): string {
  if (total === 0) return "no nodes available to schedule pods";
  const counts = new Map<string, number>();
  for (const { rejections } of verdicts) for (const { reason } of rejections) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${total} nodes are available${reasons.length === 0 ? "" : `: ${reasons.join(", ")}`}.`;
}
