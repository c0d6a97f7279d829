import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";

/**
 * Whether `owned` rules together allow everything that `wanted` allows: each single verb, resource and name of it.
 * @upstream component-helpers/auth/rbac/validation/policy_comparator.go
 */
export function ruleCovers(owned: readonly PolicyRule[], wanted: PolicyRule): boolean {
  return atoms(wanted).every((atom) => owned.some((rule) => coversAtom(rule, atom)));
}

interface Atom {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
}

function atoms(rule: PolicyRule): Atom[] {
  const all: Atom[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) all.push({ verb, url });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        if ((rule.resourceNames ?? []).length === 0) all.push({ verb, group, resource });
        for (const name of rule.resourceNames ?? []) all.push({ verb, group, resource, name });
      }
    }
  }
  return all;
}

const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes("*") === true || list?.includes(value) === true;

function coversAtom(rule: PolicyRule, { verb, group, resource, name, url }: Atom): boolean {
  if (!has(rule.verbs, verb)) return false;
  if (url !== undefined)
    return (rule.nonResourceURLs ?? []).some((candidate) => candidate === "*" || candidate === url || (candidate.endsWith("*") && url.startsWith(candidate.slice(0, -1))));
  if (group === undefined || resource === undefined || !has(rule.apiGroups, group)) return false;
  const slash = resource.indexOf("/");
  const anyParent = slash >= 0 && rule.resources?.includes(`*${resource.slice(slash)}`) === true;
  if (!has(rule.resources, resource) && !anyParent) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (name !== undefined && names.includes(name));
}
