import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, namespaces } from "../../src/api/generated/resources.ts";
import { ensurePolicy } from "../../src/server/bootstrap/ensure-policy.ts";
import { type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

const RBAC = "rbac.authorization.k8s.io";
const alice: Person = { name: "alice", groups: ["devs"] };
const url = `/apis/${RBAC}/v1/namespaces/team`;
let cluster: ServedCluster;

async function grant(
  user: string,
  rules: readonly { readonly verbs: readonly string[]; readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[],
): Promise<void> {
  await cluster.admin.create(clusterRoles, { metadata: { name: `for-${user}` }, rules });
  const roleRef = { apiGroup: RBAC, kind: "ClusterRole", name: `for-${user}` };
  await cluster.admin.create(clusterRoleBindings, { metadata: { name: `for-${user}` }, roleRef, subjects: [{ kind: "User", apiGroup: RBAC, name: user }] });
}

beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.admin.create(namespaces, { metadata: { name: "team" } });
  const manage = { verbs: ["create", "update", "patch", "delete"], apiGroups: [RBAC], resources: ["roles", "clusterroles", "rolebindings", "clusterrolebindings"] };
  await grant("alice", [manage, { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] }]);
  await grant("carol", [manage, { verbs: ["escalate", "bind"], apiGroups: [RBAC], resources: ["roles", "clusterroles"] }]);
});
afterAll(() => cluster.stop());

describe("granting", () => {
  const role = (name: string, rules: unknown): unknown => ({ metadata: { name }, rules });
  const secrets = [{ verbs: ["get", "list"], apiGroups: [""], resources: ["secrets"] }];

  it("lets someone give what they have", async () => {
    const { status } = await cluster.ask("POST", `${url}/roles`, { as: alice, body: role("some", [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }]) });
    expect(status).toBe(201);
  });

  it("names what is not theirs to give", async () => {
    const rules = [
      { verbs: ["get", "list", "delete"], apiGroups: [""], resources: ["pods", "secrets"] },
      { verbs: ["get"], nonResourceURLs: ["/metrics"] },
    ];
    const { status, body } = await cluster.ask("POST", `/apis/${RBAC}/v1/clusterroles`, { as: alice, body: role("more", rules) });
    expect(status).toBe(403);
    expect(body.message).toBe(
      [
        'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "delete"]}',
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
      ].join("\n"),
    );
  });

  it("holds updates and bindings to the same", async () => {
    await cluster.ask("POST", `${url}/roles`, { as: alice, body: role("grows", []) });
    expect((await cluster.ask("PUT", `${url}/roles/grows`, { as: alice, body: role("grows", secrets) })).status).toBe(403);
    const binding = (kind: string, name: string): unknown => ({ metadata: { name: `bind-${name}` }, roleRef: { apiGroup: RBAC, kind, name } });
    expect((await cluster.ask("POST", `${url}/rolebindings`, { as: alice, body: binding("ClusterRole", "cluster-admin") })).body.message).toContain(
      '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
    );
    expect((await cluster.ask("POST", `${url}/rolebindings`, { as: alice, body: binding("Role", "none") })).body.message).toBe('roles.rbac.authorization.k8s.io "none" not found');
    expect((await cluster.ask("POST", `${url}/rolebindings`, { as: alice, body: binding("ClusterRole", "for-alice") })).status).toBe(201);
  });

  it("keeps aggregation for those who may do everything", async () => {
    const aggregating = { metadata: { name: "sum" }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } };
    const { body } = await cluster.ask("POST", `/apis/${RBAC}/v1/clusterroles`, { as: alice, body: aggregating });
    expect(body.message).toContain("must have cluster-admin privileges to use the aggregationRule");
  });

  it("lets those who may escalate and bind", async () => {
    const carol: Person = { name: "carol" };
    expect((await cluster.ask("POST", `${url}/roles`, { as: carol, body: role("any", secrets) })).status).toBe(201);
    const body = { metadata: { name: "root" }, roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "cluster-admin" } };
    expect((await cluster.ask("POST", `${url}/rolebindings`, { as: carol, body })).status).toBe(201);
  });
});

describe("bootstrap policy", () => {
  it("gives back what is missing and keeps what was added", async () => {
    const name = "system:kube-dns";
    const before = await cluster.admin.get(clusterRoles, name);
    const added = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
    await cluster.admin.update(clusterRoles, { ...before, rules: [added] });
    await ensurePolicy(cluster.admin);
    expect((await cluster.admin.get(clusterRoles, name)).rules).toEqual([added, ...(before.rules ?? [])]);
  });

  it("leaves what administrators took into their hands", async () => {
    const name = "system:heapster";
    const before = await cluster.admin.get(clusterRoles, name);
    const annotations = { ...before.metadata.annotations, "rbac.authorization.kubernetes.io/autoupdate": "false" };
    await cluster.admin.update(clusterRoles, { ...before, metadata: { ...before.metadata, annotations }, rules: [] });
    await ensurePolicy(cluster.admin);
    expect((await cluster.admin.get(clusterRoles, name)).rules ?? []).toEqual([]);
  });
});
