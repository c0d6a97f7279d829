import type { Pod } from "../../api/generated/types/core-v1.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import { type PodInfo, podInfo } from "../cluster/pod-info.ts";
import type { Verdict } from "../verdict.ts";
import { concede } from "./concession.ts";
import { type Hypothesis, supposedNode } from "./hypothesis.ts";

export interface SmallestChange {
  readonly node: string;
  readonly changes: readonly string[];
}

/** The filters for a pod: undefined when it may run on the node; `refused` when no node will do whatever is changed. */
export type Judge = (pod: PodInfo) => { judge(node: NodeInfo): Verdict | undefined } | "refused";

/** So many nodes are looked at closely, and so many things changed on one. */
const MAX_NODES = 64;
const MAX_CHANGES = 8;

/** The cheapest set of changes after which the filters, asked again, let the pod onto a node. */
export function smallestChange(pod: Pod, verdicts: readonly Verdict[], nodeOf: (name: string) => NodeInfo | undefined, judge: Judge): SmallestChange | undefined {
  let best: (SmallestChange & { readonly cost: number }) | undefined;
  for (const verdict of mostHopeful(verdicts)) {
    const real = nodeOf(verdict.node);
    if (real?.node === undefined) continue;
    const found = changesOn(pod, real, verdict, judge, best?.cost ?? Number.POSITIVE_INFINITY);
    if (found !== undefined) best = { node: real.name, ...found };
  }
  return best === undefined ? undefined : { node: best.node, changes: best.changes };
}

/** Undefined: there is no way that is cheaper than `below`. */
function changesOn(pod: Pod, real: NodeInfo, first: Verdict, judge: Judge, below: number): { readonly changes: readonly string[]; readonly cost: number } | undefined {
  if (real.node === undefined) return undefined;
  let now: Hypothesis = { pod, node: real.node, extra: new Map() };
  let verdict: Verdict | undefined = first;
  let cost = 0;
  const changes: string[] = [];
  while (verdict !== undefined) {
    const concession = changes.length >= MAX_CHANGES ? undefined : concede(verdict, now, real);
    if (concession === undefined) return undefined;
    cost += concession.cost;
    if (cost >= below) return undefined;
    changes.push(concession.text);
    now = concession.world;
    const filters = judge(podInfo(now.pod));
    if (filters === "refused") return undefined;
    verdict = filters.judge(supposedNode(real, now));
  }
  return { changes, cost };
}

/** One node for each sort of verdict, the one that lacks least; the sorts with the fewest reasons first. */
function mostHopeful(verdicts: readonly Verdict[]): readonly Verdict[] {
  const bySort = new Map<string, { readonly verdict: Verdict; readonly lack: number }>();
  for (const verdict of verdicts) {
    const sort = `${verdict.plugin} ${verdict.rejections.map(({ reason, detail = "" }) => reason + detail).join("|")}`;
    const lack = verdict.rejections.reduce((sum, rejection) => sum + relativeLack(rejection.lack), 0);
    const known = bySort.get(sort);
    if (known === undefined || lack < known.lack) bySort.set(sort, { verdict, lack });
  }
  return [...bySort.values()]
    .sort((a, b) => a.verdict.rejections.length - b.verdict.rejections.length || a.lack - b.lack)
    .slice(0, MAX_NODES)
    .map(({ verdict }) => verdict);
}

function relativeLack(lack: { readonly requested: number; readonly free: number } | undefined): number {
  return lack === undefined ? 0 : (lack.requested - lack.free) / Math.max(1, lack.requested);
}
