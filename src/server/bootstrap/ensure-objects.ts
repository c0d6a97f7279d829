import { namespaces, priorityClasses, serviceCIDRs } from "../../api/generated/resources.ts";
import type { Client } from "../../client/client.ts";
import { ensurePolicy } from "./ensure-policy.ts";
import { ensure } from "./ensure.ts";

/** Every cluster's objects: namespaces, roles and bindings (reconciled, not overwritten), priority classes, the service range. */
export async function ensureBootstrapObjects(client: Client, options: { readonly serviceCidr: string }): Promise<void> {
  await Promise.all(["default", "kube-system", "kube-public", "kube-node-lease"].map((name) => ensure(client, namespaces, { metadata: { name } })));
  await Promise.all([
    ensurePolicy(client),
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
