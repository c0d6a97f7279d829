import { expect, it } from "vitest";
import type { ClusterRole, PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import { aggregatedRules } from "./plan.ts";

const rule = (resource: string): PolicyRule => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const role = (name: string, labels: Record<string, string>, rules: readonly PolicyRule[], aggregate?: string): ClusterRole => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name, labels },
  rules,
  ...(aggregate === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregate]: "true" } }] } }),
});

it("joins the rules of the roles it selects, in order of their names, each once", () => {
  const view = role("view", { "to-view": "true" }, [], "to-view");
  const all = [view, role("b", { "to-view": "true" }, [rule("pods"), rule("secrets")]), role("a", { "to-view": "true" }, [rule("pods")]), role("c", {}, [rule("nodes")])];
  const rules = aggregatedRules(view, all);
  expect(rules).toEqual([rule("pods"), rule("secrets")]);
  expect(aggregatedRules({ ...view, rules }, all)).toBeUndefined();
});

it("leaves plain roles alone", () => {
  expect(aggregatedRules(role("a", {}, []), [])).toBeUndefined();
});
