import { FieldPath } from "../../meta/field-path.ts";
import { validateLabelSelector } from "../../meta/validation.ts";
import { clusterRoles } from "../generated/resources.ts";
import type { ClusterRole } from "../generated/types/rbac-v1.ts";
import { kind } from "../kind.ts";
import { validatePolicyRules } from "./policy-rules.ts";

/** @upstream pkg/registry/rbac/clusterrole/strategy.go */
export const clusterRoleKind = kind<ClusterRole>({
  resource: clusterRoles,
  name: "rbac",
  allowUnconditionalUpdate: true,
  allowCreateOnUpdate: true,
  *validate({ rules, aggregationRule }) {
    yield* validatePolicyRules(new FieldPath("rules"), rules ?? [], { namespaced: false });
    if (aggregationRule === undefined) return;
    const path = new FieldPath("aggregationRule.clusterRoleSelectors");
    const selectors = aggregationRule.clusterRoleSelectors ?? [];
    if (selectors.length === 0) yield path.required("at least one clusterRoleSelector required if aggregationRule is non-nil");
    for (const [index, selector] of selectors.entries()) yield* validateLabelSelector(selector, path.index(index));
  },
});
