import type { AccessExplanationStatus, Grant, NearMiss } from "../../api/insight/access-explanation.ts";
import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { AuthorizationAttributes, Decision } from "../authz/authorizer.ts";
import { type Grant as HeldGrant, type RbacAuthorizer, ruleAllows } from "../authz/rbac-authorizer.ts";

const MAX_GRANTS = 10;
const MAX_MISSES = 3;
const MAX_ROLES = 10;

/** Which bindings and rules allow a request; when none does, those of the user's that come nearest, and roles that would. */
export function explainAccess(attributes: AuthorizationAttributes, decision: Decision, rbac: RbacAuthorizer): AccessExplanationStatus {
  const allowed = decision.verdict === "allow";
  const missing = new Set<string>();
  const held = [...rbac.grantsOf(attributes.user, attributes.namespace, missing)];
  const grants = held.flatMap((grant) => grant.rules.filter((rule) => ruleAllows(rule, attributes)).map((rule) => shown(grant, rule)));
  const status = { allowed, reason: reasonOf(attributes, decision, grants) };
  const dangling = missing.size === 0 ? {} : { dangling: [...missing] };
  if (allowed) return { ...status, ...dangling, ...(grants.length === 0 ? {} : { grants: grants.slice(0, MAX_GRANTS) }) };
  const nearest = nearestOf(attributes, held, rbac.grantsElsewhere(attributes.user, attributes.namespace));
  const roles = rbac.rolesThatAllow(attributes, MAX_ROLES);
  return { ...status, ...dangling, ...(nearest.length === 0 ? {} : { nearest }), ...(roles.length === 0 ? {} : { roles }) };
}

function reasonOf({ user }: AuthorizationAttributes, { verdict, reason = "" }: Decision, grants: readonly Grant[]): string {
  if (reason !== "") return reason;
  if (user.groups.includes("system:masters")) return "members of system:masters may do everything";
  if (verdict === "allow") return grants.length > 0 ? "a rule allows it" : "an authorizer other than RBAC allows it";
  return verdict === "deny" ? "an authorizer denies it" : "no rule allows it";
}

function shown({ binding, subject }: HeldGrant, rule: PolicyRule): Grant {
  const { name = "", namespace } = binding.metadata;
  return { binding: namespace === undefined ? `ClusterRoleBinding ${name}` : `RoleBinding ${namespace}/${name}`, roleRef: binding.roleRef, subject, rule };
}

/** The fewest misses first; a rule that fits in nothing is near nothing. */
function nearestOf(attributes: AuthorizationAttributes, held: readonly HeldGrant[], elsewhere: Iterable<HeldGrant>): readonly NearMiss[] {
  const misses: NearMiss[] = [];
  const most = attributes.isResource ? 2 : 1;
  const weigh = (grant: HeldGrant, further: readonly string[]): void => {
    for (const rule of grant.rules) {
      const found = [...missesOf(rule, attributes), ...further];
      if (found.length <= most) misses.push({ ...shown(grant, rule), misses: found });
    }
  };
  for (const grant of held) weigh(grant, []);
  for (const grant of elsewhere) weigh(grant, ["namespace"]);
  return misses.sort((a, b) => a.misses.length - b.misses.length).slice(0, MAX_MISSES);
}

function missesOf(rule: PolicyRule, attributes: AuthorizationAttributes): readonly string[] {
  const misses: string[] = [];
  const fits = (changed: Partial<PolicyRule>): boolean => ruleAllows({ ...rule, ...changed }, attributes);
  if (attributes.isResource !== (rule.resources ?? []).length > 0) return ["verb", "resource", "path"];
  const any = attributes.isResource ? { apiGroups: ["*"], resources: ["*"], resourceNames: [] } : { nonResourceURLs: ["*"] };
  if (!fits({ ...any })) misses.push("verb");
  const all = { ...any, verbs: ["*"] };
  if (!attributes.isResource) return fits({ ...all, nonResourceURLs: rule.nonResourceURLs ?? [] }) ? misses : [...misses, "path"];
  if (!fits({ ...all, apiGroups: rule.apiGroups ?? [] })) misses.push("apiGroup");
  if (!fits({ ...all, resources: rule.resources ?? [] })) misses.push("resource");
  if (!fits({ ...all, resourceNames: rule.resourceNames ?? [] })) misses.push("resourceName");
  return misses;
}
