import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserRules } from "./authorizer.ts";

type Binding = Pick<RoleBinding, "metadata" | "subjects" | "roleRef">;

/** Bindings that may concern a subject, by `User x`, `Group x` or `ServiceAccount ns/x`. */
type BySubject = Map<string, Holding[]>;

/** What a subject holds through a binding. */
interface Holding {
  readonly binding: Binding;
  readonly subject: Subject;
  /** PERF: the words for it, once somebody has been allowed something by it. */
  words: string | undefined;
}

const PREFIXES = {
  roles: "/registry/roles/",
  clusterRoles: "/registry/clusterroles/",
  roleBindings: "/registry/rolebindings/",
  clusterRoleBindings: "/registry/clusterrolebindings/",
} as const;

/** Rules that a user has, and through what. */
export interface Grant {
  readonly binding: Binding;
  readonly subject: Subject;
  readonly rules: readonly PolicyRule[];
}

interface Held {
  readonly holding: Holding;
  readonly rules: readonly PolicyRule[];
}

const REMEMBERED_NAMESPACES = 10_000;

/** Role-based access control over the cached roles and bindings. @upstream plugin/pkg/auth/authorizer/rbac */
export class RbacAuthorizer implements Authorizer {
  readonly #cache: StateCache;
  #clusterBindings: BySubject | undefined;
  #bindings = new Map<string, BySubject>();

  constructor(deps: { readonly cache: StateCache }) {
    this.#cache = deps.cache;
    this.#cache.resource(PREFIXES.roles);
    this.#cache.resource(PREFIXES.clusterRoles);
    this.#cache.resource(PREFIXES.clusterRoleBindings).subscribe({
      notify: () => {
        this.#clusterBindings = undefined;
      },
    });
    this.#cache.resource(PREFIXES.roleBindings).subscribe({
      notify: (events) => {
        for (const { entry } of events) this.#bindings.delete(entry.object.metadata.namespace ?? "");
      },
    });
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const { user, namespace } = attributes;
    if (user.groups.includes("system:masters")) return { verdict: "allow" };
    const missing = new Set<string>();
    for (const grant of this.#held(user, namespace, missing))
      if (grant.rules.some((rule) => ruleAllows(rule, attributes))) return { verdict: "allow", reason: (grant.holding.words ??= `RBAC: allowed by ${describe(grant.holding)}`) };
    if (missing.size === 0) return { verdict: "no-opinion" };
    const [first] = missing;
    return { verdict: "no-opinion", reason: `RBAC: ${missing.size === 1 ? (first ?? "") : `[${[...missing].join(", ")}]`}` };
  }

  /** Every rule that holds for a user, cluster-wide and in a namespace. */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return [...this.#rulesFor(user, namespace, new Set())].flatMap(({ rules }) => rules);
  }

  /** What a user has, cluster-wide and in a namespace; `missing` gathers what is said of roles that are not there. */
  grantsOf(user: UserInfo, namespace: string, missing: Set<string>): Iterable<Grant> {
    return this.#rulesFor(user, namespace, missing);
  }

  /** What a user has in other namespaces. */
  *grantsElsewhere(user: UserInfo, namespace: string): IterableIterator<Grant> {
    const others = [...this.#cache.resource(PREFIXES.roleBindings).range(PREFIXES.roleBindings)].map(([, { object }]) => object as RoleBinding);
    const subjects = new Set(subjectsOf(user));
    for (const binding of others) {
      const own = binding.metadata.namespace ?? "";
      const subject = own === namespace ? undefined : binding.subjects?.find((candidate) => subjects.has(subjectKey(candidate, own)));
      const rules = subject === undefined ? undefined : this.rulesOf(binding.roleRef, own);
      if (subject !== undefined && rules !== undefined) yield { binding, subject, rules };
    }
  }

  /** Roles that would allow it if they were bound, `ClusterRole view`, `Role team-a/reader`: the smallest first. */
  rolesThatAllow(attributes: AuthorizationAttributes, most: number): readonly string[] {
    const found: { readonly name: string; readonly size: number }[] = [];
    const look = (prefix: string, from: string, kind: string): void => {
      for (const [, { object }] of this.#cache.resource(prefix).range(from)) {
        const { rules, metadata } = object as ClusterRole | Role;
        if (rules?.some((rule) => ruleAllows(rule, attributes)) !== true) continue;
        found.push({ name: `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name ?? ""}`, size: breadth(rules) });
      }
    };
    if (attributes.namespace !== "") look(PREFIXES.roles, `${PREFIXES.roles}${attributes.namespace}/`, "Role");
    look(PREFIXES.clusterRoles, PREFIXES.clusterRoles, "ClusterRole");
    // The system's own are meant for its parts: only where there is no other.
    const others = found.filter(({ name }) => !name.includes(" system:"));
    return (others.length > 0 ? others : found)
      .sort((a, b) => a.size - b.size)
      .slice(0, most)
      .map(({ name }) => name);
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    const missing = new Set<string>();
    const rules = [...this.#rulesFor(user, namespace, missing)].flatMap((grant) => grant.rules);
    return { rules, ...(missing.size === 0 ? {} : { incomplete: [...missing].join(", ") }) };
  }

  /** The rules of a role that a binding names; undefined when there is no such role. */
  rulesOf(roleRef: Binding["roleRef"], namespace: string): readonly PolicyRule[] | undefined {
    const isCluster = roleRef.kind === "ClusterRole";
    const key = isCluster ? `${PREFIXES.clusterRoles}${roleRef.name}` : `${PREFIXES.roles}${namespace}/${roleRef.name}`;
    const role = this.#cache.resource(isCluster ? PREFIXES.clusterRoles : PREFIXES.roles).get(key)?.object as ClusterRole | Role | undefined;
    return role === undefined ? undefined : (role.rules ?? []);
  }

  /** `missing` gathers what is said of roles that bindings name and nobody made. */
  *#rulesFor(user: UserInfo, namespace: string, missing: Set<string>): IterableIterator<Grant> {
    for (const { holding, rules } of this.#held(user, namespace, missing)) yield { binding: holding.binding, subject: holding.subject, rules };
  }

  *#held(user: UserInfo, namespace: string, missing: Set<string>): IterableIterator<Held> {
    this.#clusterBindings ??= bySubject(
      [...this.#cache.resource(PREFIXES.clusterRoleBindings).range(PREFIXES.clusterRoleBindings)].map(([, entry]) => entry.object as ClusterRoleBinding),
    );
    yield* this.#matching(this.#clusterBindings, user, "", missing);
    if (namespace === "") return;
    let mine = this.#bindings.get(namespace);
    if (mine === undefined) {
      mine = bySubject([...this.#cache.resource(PREFIXES.roleBindings).range(`${PREFIXES.roleBindings}${namespace}/`)].map(([, entry]) => entry.object as RoleBinding));
      // Namespaces in requests are anybody's choice.
      if (this.#bindings.size >= REMEMBERED_NAMESPACES) this.#bindings.clear();
      this.#bindings.set(namespace, mine);
    }
    yield* this.#matching(mine, user, namespace, missing);
  }

  *#matching(index: BySubject, user: UserInfo, namespace: string, missing: Set<string>): IterableIterator<Held> {
    for (const key of subjectsOf(user)) {
      for (const holding of index.get(key) ?? []) {
        const { binding } = holding;
        const rules = this.rulesOf(binding.roleRef, namespace);
        if (rules !== undefined) yield { holding, rules };
        else missing.add(`${binding.roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(binding.roleRef.name)} not found`);
      }
    }
  }
}

/** @upstream pkg/registry/rbac/validation/rule.go clusterRoleBindingDescriber, roleBindingDescriber */
function describe({ binding, subject }: Holding): string {
  const { metadata, roleRef } = binding;
  const own =
    metadata.namespace === undefined ? `ClusterRoleBinding ${JSON.stringify(metadata.name)}` : `RoleBinding ${JSON.stringify(`${metadata.name ?? ""}/${metadata.namespace}`)}`;
  const who = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace ?? metadata.namespace ?? ""}` : subject.name;
  return `${own} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}

/** How much a role gives away, roughly: a wildcard is worth many words. */
function breadth(rules: readonly PolicyRule[]): number {
  const size = (words: readonly string[] = []): number => words.reduce((sum, word) => sum + (word === "*" ? 100 : 1), 0);
  return rules.reduce((sum, { verbs, resources, nonResourceURLs }) => sum + size(verbs) * (size(resources) + size(nonResourceURLs)), 0);
}

/** PERF: users as objects live as long as their connection or token. */
const subjectsByUser = new WeakMap<UserInfo, readonly string[]>();

function subjectsOf(user: UserInfo): readonly string[] {
  let subjects = subjectsByUser.get(user);
  if (subjects === undefined) {
    subjects = namesOf(user);
    subjectsByUser.set(user, subjects);
  }
  return subjects;
}

function namesOf(user: UserInfo): readonly string[] {
  const subjects = [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)];
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user.name);
  if (account !== null) subjects.push(`ServiceAccount ${account[1]}/${account[2]}`);
  return subjects;
}

function bySubject(bindings: readonly Binding[]): BySubject {
  const index: BySubject = new Map();
  for (const binding of bindings) {
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, binding.metadata.namespace ?? "");
      const list = index.get(key);
      const holding: Holding = { binding, subject, words: undefined };
      if (list === undefined) index.set(key, [holding]);
      else list.push(holding);
    }
  }
  return index;
}

function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  return kind === "ServiceAccount" ? `ServiceAccount ${namespace ?? bindingNamespace}/${name}` : `${kind} ${name}`;
}

/** Whether one rule covers a request. @upstream pkg/apis/rbac/v1/evaluation_helpers.go */
export function ruleAllows(rule: PolicyRule, attributes: Pick<AuthorizationAttributes, "verb" | "group" | "resource" | "subresource" | "name" | "path" | "isResource">): boolean {
  if (!covers(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource)
    return (rule.nonResourceURLs ?? []).some((url) => url === "*" || url === attributes.path || (url.endsWith("*") && attributes.path.startsWith(url.slice(0, -1))));
  if (!covers(rule.apiGroups ?? [], attributes.group)) return false;
  const { resource, subresource } = attributes;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  const named = (rule.resources ?? []).some((candidate) => candidate === "*" || candidate === combined || (subresource !== "" && candidate === `*/${subresource}`));
  if (!named) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(attributes.name);
}

function covers(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}
