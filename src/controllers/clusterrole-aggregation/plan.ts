import type { ClusterRole, PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import { deepEqual } from "../../base/values.ts";
import { labelsMatch } from "../label-match.ts";

/** The rules of a role that is made of others: theirs in order of their names, each once; undefined when they are right. @upstream pkg/controller/clusterroleaggregation */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  if (role.aggregationRule === undefined) return undefined;
  const byName = [...all].sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !labelsMatch(selector, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return deepEqual(rules, role.rules ?? []) ? undefined : rules;
}
