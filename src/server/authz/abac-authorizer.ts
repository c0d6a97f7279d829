import type { PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "./authorizer.ts";

/** One line of a policy file; `*` stands for everything. */
export interface AbacPolicy {
  readonly user?: string;
  readonly group?: string;
  readonly readonly?: boolean;
  readonly apiGroup?: string;
  readonly namespace?: string;
  readonly resource?: string;
  readonly nonResourcePath?: string;
}

const fields = ["user", "group", "apiGroup", "namespace", "resource", "nonResourcePath"] as const;
const readVerbs = ["get", "list", "watch"];

/**
 * Reads lines of JSON: `{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{…}}`. Throws Error
 * that names the line. @upstream pkg/auth/authorizer/abac/abac.go
 */
export function readAbacPolicies(text: string): readonly AbacPolicy[] {
  const policies: AbacPolicy[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    try {
      policies.push(policyIn(JSON.parse(trimmed)));
    } catch (error) {
      throw new Error(`line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return policies;
}

function policyIn(value: unknown): AbacPolicy {
  const { apiVersion, kind, spec } = (typeof value === "object" && value !== null ? value : {}) as { readonly [field: string]: unknown };
  if (kind !== "Policy" || apiVersion !== "abac.authorization.kubernetes.io/v1beta1") throw new Error("it must be a Policy of abac.authorization.kubernetes.io/v1beta1");
  if (typeof spec !== "object" || spec === null) throw new Error("spec must hold names and values");
  const given = spec as { readonly [field: string]: unknown };
  for (const [name, field] of Object.entries(given)) {
    if (name === "readonly" ? typeof field === "boolean" : fields.some((known) => known === name) && typeof field === "string") continue;
    throw new Error(`spec.${name} is not a field of a policy, or not of its type`);
  }
  return given as AbacPolicy;
}

/** Attribute-based access control: what one of the file's lines allows. */
export class AbacAuthorizer implements Authorizer {
  readonly #policies: readonly AbacPolicy[];

  constructor(policies: readonly AbacPolicy[]) {
    this.#policies = policies;
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const found = this.#policies.some((policy) => concerns(policy, attributes.user) && allowsVerb(policy, attributes) && allowsPlace(policy, attributes));
    return found ? { verdict: "allow" } : { verdict: "no-opinion", reason: "No policy matched." };
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    const mine = this.#policies.filter((policy) => concerns(policy, user) && (policy.namespace === undefined || policy.namespace === "*" || policy.namespace === namespace));
    return { rules: mine.flatMap(rulesOf) };
  }
}

/** A policy without a user and a group is nobody's; with both, both must fit. */
function concerns({ user = "", group = "" }: AbacPolicy, who: UserInfo): boolean {
  if (user === "" && group === "") return false;
  if (user !== "" && user !== "*" && user !== who.name) return false;
  return group === "" || group === "*" || who.groups.includes(group);
}

function allowsVerb(policy: AbacPolicy, { verb }: AuthorizationAttributes): boolean {
  return policy.readonly !== true || readVerbs.includes(verb);
}

function allowsPlace(policy: AbacPolicy, attributes: AuthorizationAttributes): boolean {
  const { namespace, resource, group, path } = attributes;
  if (attributes.isResource) {
    const fits = (pattern: string | undefined, value: string): boolean => pattern === "*" || (pattern ?? "") === value;
    return fits(policy.namespace, namespace) && fits(policy.resource, resource) && fits(policy.apiGroup, group);
  }
  const { nonResourcePath = "" } = policy;
  if (nonResourcePath === "*" || (nonResourcePath !== "" && nonResourcePath === path)) return true;
  return nonResourcePath.endsWith("*") && path.startsWith(nonResourcePath.slice(0, -1));
}

function rulesOf({ readonly: isReadOnly, resource = "", apiGroup = "", nonResourcePath = "" }: AbacPolicy): readonly PolicyRule[] {
  const verbs = isReadOnly === true ? readVerbs : ["*"];
  return [
    ...(resource === "" ? [] : [{ verbs, apiGroups: [apiGroup], resources: [resource] }]),
    ...(nonResourcePath === "" ? [] : [{ verbs, nonResourceURLs: [nonResourcePath] }]),
  ];
}
