import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "../../api/generated/resources.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from "../../api/generated/types/rbac-v1.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import type { Resource } from "../../meta/resource.ts";
import { ruleCovers } from "../authz/rule-covers.ts";
import { find, ignoreTaken } from "./ensure.ts";
import { namespaceRoles } from "./namespace-roles.ts";
import { bootstrapBindings, bootstrapRoles } from "./policy.ts";

const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/** Roles and bindings that every cluster has: reconciled, not overwritten. @upstream pkg/registry/rbac/rest/storage_rbac.go */
export async function ensurePolicy(client: Client): Promise<void> {
  await Promise.all([
    ...bootstrapRoles.map(({ name, rules, labels = {}, aggregates }) =>
      aggregates === undefined
        ? ensureRole<ClusterRole>(client, clusterRoles, { name, labels, rules, gathers: false })
        : ensureRole<ClusterRole>(client, clusterRoles, { name, labels, rules: gathered(aggregates), gathers: true }, { clusterRoleSelectors: [{ matchLabels: aggregates }] }),
    ),
    ...bootstrapBindings.map((binding) => ensureBinding<ClusterRoleBinding>(client, clusterRoleBindings, binding)),
    ...namespaceRoles.map(({ namespace, name, rules }) => ensureRole<Role>(client, roles, { name, namespace, labels: {}, rules, gathers: false })),
    ...namespaceRoles.map(({ namespace, name, binding = name, subjects }) =>
      ensureBinding<RoleBinding>(client, roleBindings, { name: binding, namespace, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name }, subjects }),
    ),
  ]);
}

interface WantedRole {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: readonly PolicyRule[];
  /** Its rules are the aggregation controller's to keep. */
  readonly gathers: boolean;
}

/** Makes the role, or gives an existing one the rules it lacks; what an administrator added stays. @upstream component-helpers/auth/rbac/reconciliation */
async function ensureRole<T extends ClusterRole | Role>(
  client: Client,
  resource: Resource<T>,
  { name, namespace, labels, rules, gathers }: WantedRole,
  aggregationRule?: ClusterRole["aggregationRule"],
): Promise<void> {
  const known = await find<T>(client, resource, name, namespace);
  if (known === undefined) {
    const made = {
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { ...LABELS, ...labels }, annotations: { [AUTO_UPDATE]: "true" } },
      rules,
      ...(aggregationRule === undefined ? {} : { aggregationRule }),
    };
    await client.create<T>(resource, made as unknown as Parameters<typeof client.create<T>>[1]).catch(ignoreTaken);
    return;
  }
  if (known.metadata.annotations?.[AUTO_UPDATE] === "false") return;
  const missing = (gathers ? [] : rules).filter((rule) => !ruleCovers(known.rules ?? [], rule));
  const wantedLabels = { ...known.metadata.labels, ...LABELS, ...labels };
  if (missing.length === 0 && deepEqual(wantedLabels, known.metadata.labels)) return;
  await client.update<T>(resource, { ...known, metadata: { ...known.metadata, labels: wantedLabels }, rules: [...(known.rules ?? []), ...missing] }).catch(ignoreTaken);
}

/** What the aggregation controller would gather from the bootstrap roles: right from the first moment. */
function gathered(selector: Readonly<Record<string, string>>): readonly PolicyRule[] {
  const matching = bootstrapRoles.filter(({ labels = {} }) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  return matching.flatMap(({ rules, aggregates }) => (aggregates === undefined ? rules : gathered(aggregates)));
}

interface WantedBinding {
  readonly name: string;
  readonly namespace?: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly Subject[];
}

async function ensureBinding<T extends ClusterRoleBinding | RoleBinding>(
  client: Client,
  resource: Resource<T>,
  { name, namespace, roleRef, subjects }: WantedBinding,
): Promise<void> {
  const known = await find<T>(client, resource, name, namespace);
  if (known === undefined) {
    const made = {
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: LABELS, annotations: { [AUTO_UPDATE]: "true" } },
      roleRef,
      ...(subjects.length === 0 ? {} : { subjects }),
    };
    await client.create<T>(resource, made as unknown as Parameters<typeof client.create<T>>[1]).catch(ignoreTaken);
    return;
  }
  if (known.metadata.annotations?.[AUTO_UPDATE] === "false") return;
  const missing = subjects.filter((subject) => !(known.subjects ?? []).some((candidate) => deepEqual(candidate, subject)));
  if (missing.length === 0) return;
  await client.update<T>(resource, { ...known, subjects: [...(known.subjects ?? []), ...missing] }).catch(ignoreTaken);
}
