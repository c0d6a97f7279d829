import type { PolicyRule, Subject } from "../../api/generated/types/rbac-v1.ts";
import { EVENTS, READ, rule } from "./rules.ts";

/** A Role that every cluster has, with the binding that gives it. */
export interface NamespaceRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  /** The binding's own name where it differs from the role's. */
  readonly binding?: string;
  readonly subjects: readonly Subject[];
}

const account = (name: string): Subject => ({ kind: "ServiceAccount", name, namespace: "kube-system" });
const user = (name: string): Subject => ({ kind: "User", apiGroup: "rbac.authorization.k8s.io", name });
const SYSTEM = "kube-system";

function leaderLocking(component: string, subjects: readonly Subject[]): NamespaceRole {
  const verbs = "create get list update watch";
  return {
    namespace: SYSTEM,
    name: `system::leader-locking-${component}`,
    rules: [
      rule("watch", "", "configmaps"),
      rule("get update", "", "configmaps", component),
      rule(verbs, "coordination.k8s.io", "leases"),
      rule(verbs, "coordination.k8s.io", "leasecandidates"),
    ],
    subjects: [user(`system:${component}`), account(component), ...subjects],
  };
}

/** @upstream plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go */
export const namespaceRoles: readonly NamespaceRole[] = [
  {
    namespace: SYSTEM,
    name: "extension-apiserver-authentication-reader",
    rules: [rule(READ, "", "configmaps", "extension-apiserver-authentication")],
    binding: "system::extension-apiserver-authentication-reader",
    subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler")],
  },
  { namespace: SYSTEM, name: "system:controller:bootstrap-signer", rules: [rule(READ, "", "secrets")], subjects: [account("bootstrap-signer")] },
  { namespace: SYSTEM, name: "system:controller:cloud-provider", rules: [rule("create get list watch", "", "configmaps")], subjects: [account("cloud-provider")] },
  { namespace: SYSTEM, name: "system:controller:token-cleaner", rules: [rule("delete get list watch", "", "secrets"), EVENTS], subjects: [account("token-cleaner")] },
  leaderLocking("kube-controller-manager", [account("leader-election-controller")]),
  leaderLocking("kube-scheduler", []),
  {
    namespace: "kube-public",
    name: "system:controller:bootstrap-signer",
    rules: [rule(READ, "", "configmaps"), rule("update", "", "configmaps", "cluster-info"), EVENTS],
    subjects: [account("bootstrap-signer")],
  },
];
