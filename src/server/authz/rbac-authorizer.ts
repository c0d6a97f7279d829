import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from "../../api/generated/types/rbac-v1.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { AuthorizationAttributes, Authorizer, Decision } from "./authorizer.ts";

type Binding = Pick<RoleBinding, "metadata" | "subjects" | "roleRef">;

/** Bindings that may concern a subject, by `User x`, `Group x` or `ServiceAccount ns/x`. */
type BySubject = Map<string, Binding[]>;

const PREFIXES = {
  roles: "/registry/roles/",
  clusterRoles: "/registry/clusterroles/",
  roleBindings: "/registry/rolebindings/",
  clusterRoleBindings: "/registry/clusterrolebindings/",
} as const;

/** What allows a request: for administrators' eyes. */
export interface Grant {
  readonly binding: string;
  readonly role: string;
  readonly rule: PolicyRule;
}

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
    if (attributes.user.groups.includes("system:masters")) return { verdict: "allow" };
    const grant = this.grantFor(attributes);
    if (grant === undefined) return { verdict: "no-opinion" };
    return { verdict: "allow", reason: `RBAC: allowed by ${grant.binding} of ${grant.role} to ${attributes.user.name}` };
  }

  /** The first binding and rule that allow the request. */
  grantFor(attributes: AuthorizationAttributes): Grant | undefined {
    for (const { binding, rules } of this.#rulesFor(attributes.user, attributes.namespace)) {
      for (const rule of rules) {
        if (ruleAllows(rule, attributes)) return { binding: binding.metadata.name ?? "", role: binding.roleRef.name, rule };
      }
    }
    return undefined;
  }

  /** Every rule that holds for a user, cluster-wide and in a namespace. */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return [...this.#rulesFor(user, namespace)].flatMap(({ rules }) => rules);
  }

  /** The rules of a role that a binding names; undefined when there is no such role. */
  rulesOf(roleRef: Binding["roleRef"], namespace: string): readonly PolicyRule[] | undefined {
    const isCluster = roleRef.kind === "ClusterRole";
    const key = isCluster ? `${PREFIXES.clusterRoles}${roleRef.name}` : `${PREFIXES.roles}${namespace}/${roleRef.name}`;
    const role = this.#cache.resource(isCluster ? PREFIXES.clusterRoles : PREFIXES.roles).get(key)?.object as ClusterRole | Role | undefined;
    return role === undefined ? undefined : (role.rules ?? []);
  }

  *#rulesFor(user: UserInfo, namespace: string): IterableIterator<{ readonly binding: Binding; readonly rules: readonly PolicyRule[] }> {
    this.#clusterBindings ??= bySubject(
      [...this.#cache.resource(PREFIXES.clusterRoleBindings).range(PREFIXES.clusterRoleBindings)].map(([, entry]) => entry.object as ClusterRoleBinding),
    );
    yield* this.#matching(this.#clusterBindings, user, "");
    if (namespace === "") return;
    let mine = this.#bindings.get(namespace);
    if (mine === undefined) {
      mine = bySubject([...this.#cache.resource(PREFIXES.roleBindings).range(`${PREFIXES.roleBindings}${namespace}/`)].map(([, entry]) => entry.object as RoleBinding));
      this.#bindings.set(namespace, mine);
    }
    yield* this.#matching(mine, user, namespace);
  }

  *#matching(index: BySubject, user: UserInfo, namespace: string): IterableIterator<{ readonly binding: Binding; readonly rules: readonly PolicyRule[] }> {
    for (const subject of subjectsOf(user)) {
      for (const binding of index.get(subject) ?? []) {
        const rules = this.rulesOf(binding.roleRef, namespace);
        if (rules !== undefined) yield { binding, rules };
      }
    }
  }
}

function subjectsOf(user: UserInfo): string[] {
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
      if (list === undefined) index.set(key, [binding]);
      else list.push(binding);
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
