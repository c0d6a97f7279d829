import type { PodDisruptionBudget } from "../../api/generated/types/policy-v1.ts";
import { knownSelector } from "../cluster/known-selector.ts";
import type { PodInfo } from "../cluster/pod-info.ts";

/** Pods, in the order given, by whether ending them one after another breaks a budget. @upstream filterPodsWithPDBViolation */
export function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { readonly breaking: PodInfo[]; readonly harmless: PodInfo[] } {
  const left = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
  const breaking: PodInfo[] = [];
  const harmless: PodInfo[] = [];
  for (const pod of pods) {
    let breaks = false;
    for (const [index, budget] of budgets.entries()) {
      if (!concerns(budget, pod)) continue;
      left[index] = (left[index] ?? 0) - 1;
      if ((left[index] ?? 0) < 0) breaks = true;
    }
    (breaks ? breaking : harmless).push(pod);
  }
  return { breaking, harmless };
}

/** Whether any budget selects any of the pods. */
export function isGuarded(pods: Iterable<PodInfo>, budgets: readonly PodDisruptionBudget[]): boolean {
  for (const pod of pods) for (const budget of budgets) if (selects(budget, pod)) return true;
  return false;
}

/** A pod that the server has let go already costs nothing more. */
function concerns(budget: PodDisruptionBudget, pod: PodInfo): boolean {
  return selects(budget, pod) && budget.status?.disruptedPods?.[pod.pod.metadata.name ?? ""] === undefined;
}

/** An empty selector means no pod here. */
function selects({ metadata, spec }: PodDisruptionBudget, { namespace, labels }: PodInfo): boolean {
  if (metadata.namespace !== namespace || Object.keys(labels).length === 0) return false;
  const { selector } = knownSelector(spec.selector);
  return !selector.matchesEverything && selector.matches(labels);
}
