import type { Random } from "../base/random.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Cycle } from "./cycle.ts";
import { filterNodes } from "./filter-nodes.ts";
import { FittingNodes } from "./fitting-nodes.ts";
import { bestNode } from "./rate-nodes.ts";
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
  readonly fitting: FittingNodes;
  /** Where none fits: the nodes where the end of other pods might help. */
  readonly resolvable: readonly NodeInfo[];
  readonly evaluated: number;
  diagnosis(): Diagnosis;
}

/** Judges nodes until enough fit. @upstream schedule_one.go findNodesThatFitPod */
export function findFeasible(cycle: Cycle, { startIndex, percentageOfNodesToScore, isAskedFurther = false }: ChooseOptions): Found {
  const { cluster, refusal, only, plugins } = cycle;
  const total = cluster.nodes.length;
  if (refusal !== undefined) {
    const diagnosis = { total, verdicts: [], refusal: refusal.reason, others: refusal.reason, plugins: new Set([refusal.plugin]) };
    return { fitting: FittingNodes.of([]), resolvable: [], evaluated: 0, diagnosis: () => diagnosis };
  }
  const nominated = cluster.node(cycle.nominatedNode());
  const nodes = only === undefined ? cluster.nodes : [...only.nodes].flatMap((name) => cluster.node(name) ?? []);
  if (nominated !== undefined && (only === undefined || only.nodes.has(nominated.name)) && cycle.judge(nominated) === undefined)
    return { fitting: FittingNodes.of([nominated]), resolvable: [], evaluated: 1, diagnosis: () => ({ total, verdicts: [], plugins: new Set() }) };
  // Where nobody rates, the first that fits is as good as any.
  const isRated = isAskedFurther || plugins.some(({ score }) => score !== undefined);
  const wanted = isRated ? enoughNodes(nodes.length, percentageOfNodesToScore) : 1;
  const filtered = filterNodes(cycle, nodes, { startIndex, wanted });
  const { fitting, evaluated } = filtered;
  return {
    fitting,
    get resolvable() {
      return filtered.resolvable;
    },
    evaluated,
    diagnosis() {
      const others = only === undefined ? {} : { others: `node(s) didn't satisfy plugin(s) [${only.plugins.join(" ")}]` };
      return {
        total,
        get verdicts() {
          return filtered.verdicts;
        },
        judged: evaluated,
        plugins: new Set([...(only?.plugins ?? []), ...filtered.plugins]),
        reasons: filtered.reasons,
        ...others,
      };
    },
  };
}

/** Filters, then rates: the best node, or what each one lacks. @upstream schedule_one.go schedulePod */
export function chooseNode(cycle: Cycle, options: ChooseOptions, random: Random): Choice {
  const found = findFeasible(cycle, options);
  const { fitting, evaluated } = found;
  if (fitting.count === 0) return { node: undefined, diagnosis: found.diagnosis(), resolvable: found.resolvable, evaluated };
  return { node: bestNode(cycle, fitting, random), evaluated, feasible: fitting.count };
}
