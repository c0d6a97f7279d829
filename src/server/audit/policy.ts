import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo } from "../request-info.ts";

export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof levels)[number];
export const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof stages)[number];

/** Which requests a rule speaks of, and how much of them is kept. Absent lists match everything. */
export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly { readonly group?: string; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** A Policy of audit.k8s.io/v1: the first rule that matches decides. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface Verdict {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

const lists = ["users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages"] as const;
const ruleKeys = new Set<string>(["level", "omitManagedFields", ...lists]);

/** Checks what was read from a policy file; throws with a text that names the place. */
export function readPolicy(value: unknown): Policy {
  const { apiVersion, kind, rules, ...rest } = objectAt(value, "the policy");
  if (apiVersion !== "audit.k8s.io/v1" || kind !== "Policy") throw new Error("it must be a Policy of audit.k8s.io/v1");
  if (!Array.isArray(rules) || rules.length === 0) throw new Error("rules: at least one is needed");
  for (const key of Object.keys(rest)) if (!["metadata", "omitStages", "omitManagedFields"].includes(key)) throw new Error(`unknown key ${key}`);
  rules.forEach((rule, index) => checkRule(objectAt(rule, `rules[${index}]`), `rules[${index}]`));
  checkStages(rest["omitStages"], "omitStages");
  return value as Policy;
}

function objectAt(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${place} must hold names and values`);
  return value as Record<string, unknown>;
}

function checkRule(rule: Record<string, unknown>, place: string): void {
  for (const key of Object.keys(rule)) if (!ruleKeys.has(key)) throw new Error(`${place}: unknown key ${key}`);
  if (!levels.includes(rule["level"] as Level)) throw new Error(`${place}.level must be one of ${levels.join(", ")}`);
  for (const key of lists) if (rule[key] !== undefined && rule[key] !== null && !Array.isArray(rule[key])) throw new Error(`${place}.${key} must be a list`);
  if (filled(rule["nonResourceURLs"]) && (filled(rule["resources"]) || filled(rule["namespaces"]))) throw new Error(`${place}: a rule cannot apply to both resources and paths`);
  checkStages(rule["omitStages"], `${place}.omitStages`);
}

function checkStages(value: unknown, place: string): void {
  for (const stage of Array.isArray(value) ? value : []) if (!stages.includes(stage as Stage)) throw new Error(`${place}: must be among ${stages.join(", ")}`);
}

const filled = (list: unknown): boolean => Array.isArray(list) && list.length > 0;

/** What the policy wants of a request; nothing when no rule matches. @upstream apiserver/pkg/audit/policy/checker.go */
export function verdictOn(policy: Policy, user: UserInfo, info: RequestInfo): Verdict {
  const rule = policy.rules.find((candidate) => matches(candidate, user, info));
  return {
    level: rule?.level ?? "None",
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

function matches(rule: PolicyRule, user: UserInfo, info: RequestInfo): boolean {
  const { users = [], userGroups = [], verbs = [], namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(user.name)) return false;
  if (userGroups.length > 0 && !userGroups.some((group) => user.groups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(info.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0) return matchesResource(rule, info);
  if (nonResourceURLs.length > 0) return info.resource === undefined && nonResourceURLs.some((pattern) => matchesPath(pattern, info.path));
  return true;
}

function matchesResource({ namespaces = [], resources = [] }: PolicyRule, { resource: target }: RequestInfo): boolean {
  if (target === undefined || (namespaces.length > 0 && !namespaces.includes(target.namespace))) return false;
  if (resources.length === 0) return true;
  const { group, resource, subresource, name } = target;
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some((wanted) => {
    if ((wanted.group ?? "") !== group) return false;
    if ((wanted.resources ?? []).length === 0) return true;
    if ((wanted.resourceNames ?? []).length > 0 && wanted.resourceNames?.includes(name) !== true) return false;
    return wanted.resources?.some((pattern) => pattern === "*" || pattern === whole || (subresource !== "" && (pattern === `${resource}/*` || pattern === `*/${subresource}`)));
  });
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}
