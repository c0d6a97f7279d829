import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import type { PolicyRule } from "../generated/types/rbac-v1.ts";

/** `namespaced`: rules of a Role, which cannot speak of paths. @upstream pkg/apis/rbac/validation/validation.go ValidatePolicyRule */
export function* validatePolicyRules(path: FieldPath, rules: readonly PolicyRule[], { namespaced }: { readonly namespaced: boolean }): Iterable<FieldError> {
  for (const [index, rule] of rules.entries()) yield* validatePolicyRule(path.index(index), rule, namespaced);
}

function* validatePolicyRule(path: FieldPath, rule: PolicyRule, namespaced: boolean): Iterable<FieldError> {
  const { apiGroups = [], nonResourceURLs = [], resourceNames = [], resources = [] } = rule;
  const verbs = (rule.verbs as readonly string[] | undefined) ?? [];
  if (verbs.length === 0) yield path.child("verbs").required("verbs must contain at least one value");
  if (nonResourceURLs.length > 0) {
    const at = path.child("nonResourceURLs");
    if (namespaced) yield at.invalid(nonResourceURLs, "namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length + resources.length + resourceNames.length > 0) yield at.invalid(nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs");
    return;
  }
  if (apiGroups.length === 0) yield path.child("apiGroups").required("resource rules must supply at least one api group");
  if (resources.length === 0) yield path.child("resources").required("resource rules must supply at least one resource");
}
