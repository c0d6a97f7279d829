import type { AccessExplanation, Grant } from "../../api/insight/access-explanation.ts";
import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";

/** Why a request is allowed or denied, in lines. */
export function accessStory({ spec, status }: AccessExplanation): readonly string[] {
  if (status === undefined) return ["the server gave no answer"];
  const { verb = "", resource = "", subresource = "", name = "", group = "", namespace = "" } = spec.resourceAttributes ?? {};
  const path = spec.nonResourceAttributes?.path;
  const what =
    path === undefined
      ? `${verb} ${resource}${group === "" ? "" : `.${group}`}${subresource === "" ? "" : `/${subresource}`}${name === "" ? "" : ` ${name}`}${namespace === "" ? "" : ` in namespace ${namespace}`}`
      : `${spec.nonResourceAttributes?.verb ?? ""} ${path}`;
  const who = spec.user === undefined || spec.user === "" ? `a member of ${(spec.groups ?? []).join(", ")}` : spec.user;
  const lines = [`${who} ${status.allowed ? "may" : "may not"} ${what}: ${status.reason}`];
  for (const grant of status.grants ?? []) lines.push(`  ${grantText(grant)}`, `    rule: ${ruleText(grant.rule)}`);
  for (const text of status.dangling ?? []) lines.push(`  a binding leads nowhere: ${text}`);
  const nearest = status.nearest ?? [];
  if (nearest.length > 0) lines.push("  nearest:");
  for (const miss of nearest) lines.push(`    ${grantText(miss)}: another ${miss.misses.join(" and ")}`, `      rule: ${ruleText(miss.rule)}`);
  const roles = status.roles ?? [];
  if (!status.allowed && roles.length > 0) lines.push(`  roles that would allow it, were they bound: ${roles.join(", ")}`);
  return lines;
}

function grantText({ binding, roleRef, subject }: Grant): string {
  const account = subject.kind === "ServiceAccount" && subject.namespace !== undefined ? `${subject.namespace}/` : "";
  return `${binding} gives ${roleRef.kind} ${roleRef.name} to ${subject.kind} ${account}${subject.name}`;
}

function ruleText({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string {
  if (nonResourceURLs.length > 0) return `${verbs.join(",")} ${nonResourceURLs.join(",")}`;
  const groups = apiGroups.map((group) => (group === "" ? "core" : group)).join(",");
  return `${verbs.join(",")} ${resources.join(",")} of ${groups}${resourceNames.length === 0 ? "" : ` named ${resourceNames.join(",")}`}`;
}
