import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, namespaces, resourceClaims } from "../../src/api/generated/resources.ts";
import type { ResourceClaim } from "../../src/api/generated/types/resource-v1.ts";
import { type Answer, type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

const GROUP = "resource.k8s.io";
const driver = "gpu.example.com";
const root: Person = { name: "root", groups: ["system:masters"] };
let cluster: ServedCluster;

const claimsIn = (namespace: string): string => `/apis/${GROUP}/v1/namespaces/${namespace}/resourceclaims`;
const asking = (adminAccess: boolean) => ({ devices: { requests: [{ name: "r", exactly: { deviceClassName: "c", ...(adminAccess ? { adminAccess } : {}) } }] } });
const result = { request: "r", driver, pool: "p", device: "a" };

async function grant(
  user: string,
  rules: readonly { readonly verbs: readonly string[]; readonly resources: readonly string[]; readonly resourceNames?: readonly string[] }[],
): Promise<void> {
  const status = { verbs: ["get", "update", "patch"], resources: ["resourceclaims/status"] };
  await cluster.admin.create(clusterRoles, { metadata: { name: `for-${user}` }, rules: [status, ...rules].map((rule) => ({ apiGroups: [GROUP], ...rule })) });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: `for-${user}` };
  await cluster.admin.create(clusterRoleBindings, { metadata: { name: `for-${user}` }, roleRef, subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }] });
}

beforeAll(async () => {
  cluster = await serveCluster();
  await cluster.admin.create(namespaces, { metadata: { name: "plain" } });
  await cluster.admin.create(namespaces, { metadata: { name: "trusted", labels: { "resource.kubernetes.io/admin-access": "true" } } });
  await grant("binder", [{ verbs: ["update"], resources: ["resourceclaims/binding"] }]);
  await grant("driver", [{ verbs: ["arbitrary-node:update"], resources: ["resourceclaims/driver"], resourceNames: [driver] }]);
  await grant("stranger", []);
});
afterAll(() => cluster.stop());

describe("access for administrators", () => {
  const denied = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace";

  it("is asked for only where the namespace allows it", async () => {
    const post = (namespace: string, name: string, admin: boolean): Promise<Answer> =>
      cluster.ask("POST", claimsIn(namespace), { as: root, body: { metadata: { name }, spec: asking(admin) } });
    expect((await post("plain", "a", false)).status).toBe(201);
    expect((await post("trusted", "a", true)).status).toBe(201);
    const { status, body } = await post("plain", "b", true);
    expect([status, body.message]).toEqual([422, `ResourceClaim.resource.k8s.io "b" is invalid: spec.devices.requests[0].adminAccess: Forbidden: ${denied}`]);
    const template = await cluster.ask("POST", `/apis/${GROUP}/v1/namespaces/plain/resourceclaimtemplates`, {
      as: root,
      body: { metadata: { name: "t" }, spec: { spec: asking(true) } },
    });
    expect(template.body.message).toBe(`ResourceClaimTemplate.resource.k8s.io "t" is invalid: spec.spec.devices.requests[0].adminAccess: Forbidden: ${denied}`);
  });

  it("is given only there", async () => {
    const claim = await cluster.admin.get(resourceClaims, "a", { namespace: "plain" });
    const body = { ...claim, status: { allocation: { devices: { results: [{ ...result, adminAccess: true }] } } } };
    const answer = await cluster.ask("PUT", `${claimsIn("plain")}/a/status`, { as: root, body });
    expect(answer.body.message).toBe(`ResourceClaim.resource.k8s.io "a" is invalid: status.allocation.devices.results[0].adminAccess: Forbidden: ${denied}`);
  });
});

describe("a claim's status", () => {
  const put = async (name: string, as: string, status: ResourceClaim["status"]): Promise<Answer> => {
    const claim = await cluster.admin.get(resourceClaims, name, { namespace: "plain" });
    return cluster.ask("PUT", `${claimsIn("plain")}/${name}/status`, { as: { name: as, groups: [] }, body: { ...claim, status } });
  };
  const allocation = { devices: { results: [result] } };

  it("is given devices by those who bind claims, told of by the devices' driver", async () => {
    await cluster.admin.create(resourceClaims, { metadata: { name: "c", namespace: "plain" }, spec: asking(false) });
    const stranger = await put("c", "stranger", { allocation });
    expect([stranger.status, stranger.body.message]).toEqual([
      422,
      'ResourceClaim.resource.k8s.io "c" is invalid: status: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: ' +
        'resourceclaims.resource.k8s.io is forbidden: User "stranger" cannot update resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope',
    ]);
    expect((await put("c", "binder", { allocation })).status).toBe(200);
    const devices = [{ driver, pool: "p", device: "a", conditions: [] }];
    const binder = await put("c", "binder", { allocation, devices });
    expect(binder.body.message).toContain('changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-node:update]" permission: ');
    expect((await put("c", "driver", { allocation, devices })).status).toBe(200);
    expect((await put("c", "driver", { devices })).status).toBe(422);
    expect((await put("c", "binder", {})).status).toBe(422);
  });
});

it("taints of devices are dated", async () => {
  const spec = { driver, nodeName: "n1", pool: { name: "p", generation: 1, resourceSliceCount: 1 }, devices: [{ name: "a", taints: [{ key: "k", effect: "NoExecute" }] }] };
  const { body } = await cluster.ask("POST", `/apis/${GROUP}/v1/resourceslices`, { as: root, body: { metadata: { name: "s" }, spec } });
  expect(body.spec.devices[0].taints[0].timeAdded).toMatch(/^\d{4}-\d\d-\d\dT/);
});
