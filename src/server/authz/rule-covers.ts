import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";

/**
 * Whether `owned` rules together allow everything that `wanted` allows: each single verb, resource and name of it.
 * @upstream component-helpers/auth/rbac/validation/policy_comparator.go
 */
export function ruleCovers(owned: readonly PolicyRule[], wanted: PolicyRule): boolean {
  return uncovered(owned, [wanted]).length === 0;
}

/** The single permissions in `wanted` that no rule in `owned` gives. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly Permission[] {
  return wanted.flatMap(permissions).filter((permission) => !owned.some((rule) => covers(rule, permission)));
}

/** One verb on one path, or on one resource of one group, with or without a name. */
export interface Permission {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly url?: string;
}

function permissions(rule: PolicyRule): Permission[] {
  const all: Permission[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        if ((rule.resourceNames ?? []).length === 0) all.push({ verb, group, resource });
        for (const name of rule.resourceNames ?? []) all.push({ verb, group, resource, name });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) all.push({ verb, url });
  return all;
}

const has = (list: readonly string[] | undefined, value: string): boolean => list?.includes("*") === true || list?.includes(value) === true;

function covers(rule: PolicyRule, { verb, group, resource, name, url }: Permission): boolean {
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

/** Permissions as people read them, those of one resource together, sorted: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`. */
export function describePermissions(missing: readonly Permission[]): readonly string[] {
  const verbs = new Map<string, string[]>();
  const alone = new Set<string>();
  for (const { verb, group, resource, name, url } of missing) {
    if (url !== undefined) {
      alone.add(`{NonResourceURLs:[${JSON.stringify(url)}], Verbs:[${JSON.stringify(verb)}]}`);
      continue;
    }
    const about = `APIGroups:[${JSON.stringify(group)}], Resources:[${JSON.stringify(resource)}]${name === undefined ? "" : `, ResourceNames:[${JSON.stringify(name)}]`}`;
    const known = verbs.get(about) ?? [];
    verbs.set(about, known);
    if (!known.includes(verb)) known.push(verb);
  }
  return [...alone, ...[...verbs].map(([about, list]) => `{${about}, Verbs:[${list.map((verb) => JSON.stringify(verb)).join(" ")}]}`)].sort();
}
