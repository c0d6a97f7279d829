import { clusterRoleBindings, clusterRoles, namespaces, priorityClasses, serviceCIDRs } from "../../api/generated/resources.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from "../../api/generated/types/rbac-v1.ts";
import type { Client } from "../../client/client.ts";
import { deepEqual } from "../../base/values.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { hasReason } from "../../meta/status-error.ts";
import { ruleCovers } from "../authz/rule-covers.ts";
import { bootstrapBindings, bootstrapRoles } from "./policy.ts";

const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/** Every cluster's objects: namespaces, roles and bindings (reconciled, not overwritten), priority classes, the service range. */
export async function ensureBootstrapObjects(client: Client, options: { readonly serviceCidr: string }): Promise<void> {
  await Promise.all([
    ...["default", "kube-system", "kube-public", "kube-node-lease"].map((name) => ensure(client, namespaces, { metadata: { name } })),
    ...bootstrapRoles.map((role) => ensureRole(client, role)),
    ...bootstrapBindings.map((binding) => ensureBinding(client, binding)),
    ensure(client, priorityClasses, {
      metadata: { name: "system-node-critical" },
      value: 2000001000,
      description: "Used for system critical pods that must not be moved from their current node.",
    }),
    ensure(client, priorityClasses, {
      metadata: { name: "system-cluster-critical" },
      value: 2000000000,
      description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    }),
    ensure(client, serviceCIDRs, { metadata: { name: "kubernetes" }, spec: { cidrs: [options.serviceCidr] } }),
  ]);
}

async function ensure<T extends KubeObject>(client: Client, resource: Resource<T>, object: Parameters<typeof client.create<T>>[1]): Promise<void> {
  const { name = "" } = object.metadata;
  if ((await find(client, resource, name)) !== undefined) return;
  await client.create(resource, object).catch(ignoreTaken);
}

async function find<T extends KubeObject>(client: Client, resource: Resource<T>, name: string): Promise<T | undefined> {
  try {
    return await client.get(resource, name);
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Another server of the same store was faster. */
function ignoreTaken(error: unknown): void {
  if (!hasReason(error, "AlreadyExists") && !hasReason(error, "Conflict")) throw error;
}

/** Makes the role, or gives an existing one the rules it lacks; what an administrator added stays. @upstream component-helpers/auth/rbac/reconciliation */
async function ensureRole(client: Client, { name, rules, labels, aggregates }: (typeof bootstrapRoles)[number]): Promise<void> {
  const aggregationRule = aggregates === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregates }] } };
  const known = await find<ClusterRole>(client, clusterRoles, name);
  if (known === undefined) {
    await client
      .create<ClusterRole>(clusterRoles, {
        metadata: { name, labels: { ...LABELS, ...labels }, annotations: { [AUTO_UPDATE]: "true" } },
        rules: aggregates === undefined ? rules : gathered(aggregates),
        ...aggregationRule,
      })
      .catch(ignoreTaken);
    return;
  }
  if (known.metadata.annotations?.[AUTO_UPDATE] === "false") return;
  const missing = (aggregates === undefined ? rules : []).filter((rule) => !ruleCovers(known.rules ?? [], rule));
  const wantedLabels = { ...known.metadata.labels, ...LABELS, ...labels };
  if (missing.length === 0 && deepEqual(wantedLabels, known.metadata.labels)) return;
  await client
    .update<ClusterRole>(clusterRoles, { ...known, metadata: { ...known.metadata, labels: wantedLabels }, rules: [...(known.rules ?? []), ...missing] })
    .catch(ignoreTaken);
}

/** What the aggregation controller would gather from the bootstrap roles: right from the first moment. */
function gathered(selector: Readonly<Record<string, string>>): readonly PolicyRule[] {
  const matching = bootstrapRoles.filter(({ labels = {} }) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  return matching.flatMap(({ rules, aggregates }) => (aggregates === undefined ? rules : gathered(aggregates)));
}

async function ensureBinding(client: Client, { name, roleRef, subjects }: (typeof bootstrapBindings)[number]): Promise<void> {
  const known = await find<ClusterRoleBinding>(client, clusterRoleBindings, name);
  if (known === undefined) {
    await client
      .create<ClusterRoleBinding>(clusterRoleBindings, { metadata: { name, labels: LABELS, annotations: { [AUTO_UPDATE]: "true" } }, roleRef, subjects })
      .catch(ignoreTaken);
    return;
  }
  if (known.metadata.annotations?.[AUTO_UPDATE] === "false") return;
  const missing = subjects.filter((subject) => !(known.subjects ?? []).some((candidate) => deepEqual(candidate, subject)));
  if (missing.length === 0) return;
  await client.update<ClusterRoleBinding>(clusterRoleBindings, { ...known, subjects: [...(known.subjects ?? []), ...missing] }).catch(ignoreTaken);
}
