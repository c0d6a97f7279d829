import type { Logger } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import { type Choice, type ChooseOptions, findFeasible } from "../choose-node.ts";
import type { Cycle } from "../cycle.ts";
import { FittingNodes } from "../fitting-nodes.ts";
import { bestNode } from "../rate-nodes.ts";
import type { Candidate } from "../preemption/candidate.ts";
import type { Diagnosis, Verdict } from "../verdict.ts";
import type { Extender } from "./extender.ts";

/** Stands for all extenders where plug-ins are named. @upstream framework.ExtenderName */
export const EXTENDERS = "Extender";

export interface ExtenderDeps {
  readonly extenders: readonly Extender[];
  readonly random: Random;
  readonly log: Logger;
}

/** As chooseNode does, with the extenders' word. `cycle` makes one of the cluster as it is. Rejects when one that is needed fails. @upstream schedule_one.go findNodesThatPassExtenders, prioritizeNodes */
export async function chooseWithExtenders(cycle: () => Cycle, options: ChooseOptions, { extenders, random, log }: ExtenderDeps): Promise<Choice> {
  const first = cycle();
  const { pod } = first.pod;
  const found = findFeasible(first, options);
  if (found.fitting.count === 0) return { node: undefined, diagnosis: found.diagnosis(), resolvable: found.resolvable, evaluated: found.evaluated };
  let left = found.fitting.list;
  // What the plug-ins say is of now; extenders take their time.
  const diagnosis = extenders.some(({ filters }) => filters) ? found.diagnosis() : undefined;
  const { resolvable } = diagnosis === undefined ? { resolvable: [] } : found;
  const verdicts: Verdict[] = [];
  for (const extender of extenders) {
    if (left.length === 0) break;
    if (!extender.filters) continue;
    try {
      const { passed, failed, unresolvable } = await extender.filter(pod, left);
      for (const [node, reason] of unresolvable) verdicts.push(verdictOf(node, reason, true));
      for (const [node, reason] of failed) if (!unresolvable.has(node)) verdicts.push(verdictOf(node, reason, false));
      left = passed;
    } catch (error) {
      if (!extender.isIgnorable) throw error;
      log.info("extender left out, it does not answer", { extender: extender.name, error });
    }
  }
  if (left.length === 0 && diagnosis !== undefined) {
    const more = verdicts.flatMap(({ node, rejections }) => (rejections.some(({ unresolvable }) => unresolvable) ? [] : (first.cluster.node(node) ?? [])));
    return { node: undefined, diagnosis: withVerdicts(diagnosis, verdicts), resolvable: [...resolvable, ...more], evaluated: found.evaluated };
  }
  const points = left.length === 1 ? new Map<string, number>() : await pointsOf(left, pod, extenders, log);
  // Much may have happened while they were asked.
  const second = cycle();
  const still = stillFit(second, left);
  if (still.length === 0) throw new Error("the nodes that extenders let pass do not fit any more");
  return {
    node: bestNode(second, FittingNodes.of(still), random, { extra: ({ name }) => points.get(name) ?? 0 }),
    cycle: second,
    evaluated: found.evaluated,
    feasible: still.length,
  };
}

function verdictOf(node: string, reason: string, unresolvable: boolean): Verdict {
  return { node, plugin: EXTENDERS, rejections: [{ reason, unresolvable }] };
}

function withVerdicts({ reasons: _reasons, judged: _judged, ...diagnosis }: Diagnosis, verdicts: readonly Verdict[]): Diagnosis {
  return { ...diagnosis, verdicts: [...diagnosis.verdicts, ...verdicts], plugins: new Set([...diagnosis.plugins, EXTENDERS]) };
}

/** All are asked at once; what one that fails would have said does not count. */
async function pointsOf(nodes: readonly NodeInfo[], pod: Parameters<Extender["prioritize"]>[0], extenders: readonly Extender[], log: Logger): Promise<ReadonlyMap<string, number>> {
  const points = new Map<string, number>();
  const answers = await Promise.all(
    extenders
      .filter(({ prioritizes }) => prioritizes)
      .map((extender) =>
        extender.prioritize(pod, nodes).catch((error: unknown) => {
          log.info("extender's points left out", { extender: extender.name, error });
          return new Map<string, number>();
        }),
      ),
  );
  for (const answer of answers) for (const [node, number] of answer) points.set(node, (points.get(node) ?? 0) + number);
  return points;
}

function stillFit(cycle: Cycle, nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  if (cycle.refusal !== undefined) return [];
  return nodes.flatMap(({ name }) => {
    const node = cycle.cluster.node(name);
    return node === undefined || (cycle.only !== undefined && !cycle.only.nodes.has(name)) || cycle.judge(node) !== undefined ? [] : [node];
  });
}

/** The candidates that extenders with a say in preemption leave. Rejects when one that is needed fails. @upstream framework/preemption callExtenders */
export async function askExtenders(
  pod: Parameters<Extender["preempt"]>[0],
  candidates: readonly Candidate[],
  cluster: Cluster,
  { extenders, log }: Omit<ExtenderDeps, "random">,
): Promise<readonly Candidate[]> {
  let left = candidates;
  for (const extender of extenders) {
    if (!extender.preempts || left.length === 0) continue;
    try {
      const answer = await extender.preempt(pod, left, cluster);
      const empty = answer.find(({ victims }) => victims.length === 0);
      if (empty !== undefined && !extender.isIgnorable) throw new Error(`expected at least one victim pod on node ${JSON.stringify(empty.node)}`);
      left = answer.filter(({ victims }) => victims.length > 0);
    } catch (error) {
      if (!extender.isIgnorable) throw error;
      log.info("extender left out of preemption, it does not answer", { extender: extender.name, error });
    }
  }
  return left;
}
