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

/** An empty selector means no pod here; a pod that the server has let go already costs nothing more. */
function concerns({ metadata, spec, status }: PodDisruptionBudget, { namespace, labels, pod }: PodInfo): boolean {
  if (metadata.namespace !== namespace || Object.keys(labels).length === 0) return false;
  const { selector } = knownSelector(spec.selector);
  if (selector.matchesEverything || !selector.matches(labels)) return false;
  return status?.disruptedPods?.[pod.metadata.name ?? ""] === undefined;
}
