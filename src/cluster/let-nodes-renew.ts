import { clusterRoleBindings } from "../api/generated/resources.ts";
import type { Client } from "../client/client.ts";
import { hasReason } from "../meta/status-error.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Nodes' requests for client certificates of their own are approved without a human, as kubeadm sets it up. An administrator who changes the binding is left alone. */
export async function letNodesRenew(client: Client): Promise<void> {
  const binding = {
    metadata: { name: "keles:node-autoapprove-certificate-rotation" },
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient" },
    subjects: [{ kind: "Group", apiGroup: GROUP, name: "system:nodes" }],
  };
  await client.create(clusterRoleBindings, binding).catch((error: unknown) => {
    if (!hasReason(error, "AlreadyExists")) throw error;
  });
}
