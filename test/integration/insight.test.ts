import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterRoleBindings, namespaces, roleBindings, roles } from "../../src/api/generated/resources.ts";
import { type ServedCluster, serveCluster } from "./served-cluster.ts";
import { type SchedulerWorld, schedulerWorld } from "./scheduler-world.ts";

describe("accessexplanations", () => {
  let cluster: ServedCluster;
  const master = { name: "root", groups: ["system:masters"] };
  const explain = async (user: string, resourceAttributes: object, as = master) =>
    cluster.ask("POST", "/apis/insight.keles.dev/v1/accessexplanations", {
      as,
      body: { apiVersion: "insight.keles.dev/v1", kind: "AccessExplanation", metadata: {}, spec: { user, groups: ["system:authenticated"], resourceAttributes } },
    });

  beforeEach(async () => {
    cluster = await serveCluster();
    for (const name of ["a", "b"]) await cluster.admin.create(namespaces, { metadata: { name } });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
    const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["one"] }];
    await cluster.admin.create(roles, { metadata: { name: "reader" }, rules }, { namespace: "a" });
    const subjects = [{ kind: "User", name: "ann", apiGroup: "rbac.authorization.k8s.io" }];
    await cluster.admin.create(roleBindings, { metadata: { name: "ann-reads" }, roleRef, subjects }, { namespace: "a" });
    await cluster.admin.create(clusterRoleBindings, { metadata: { name: "lost" }, roleRef: { ...roleRef, kind: "ClusterRole", name: "nowhere" }, subjects });
  });
  afterEach(() => cluster.stop());

  it("names the binding and the rule that allow", async () => {
    const { status, body } = await explain("ann", { verb: "get", resource: "configmaps", name: "one", namespace: "a" });
    expect(status).toBe(201);
    expect(body.status).toMatchObject({
      allowed: true,
      grants: [{ binding: "RoleBinding a/ann-reads", roleRef: { name: "reader" }, subject: { name: "ann" }, rule: { resourceNames: ["one"] } }],
    });
  });

  it.each([
    [{ verb: "update", resource: "configmaps", name: "one", namespace: "a" }, ["verb"]],
    [{ verb: "get", resource: "configmaps", name: "two", namespace: "a" }, ["resourceName"]],
    [{ verb: "get", resource: "secrets", name: "one", namespace: "a" }, ["resource"]],
    [{ verb: "get", resource: "configmaps", name: "one", namespace: "b" }, ["namespace"]],
  ])("names the nearest miss of %j", async (attributes, misses) => {
    const { body } = await explain("ann", attributes);
    expect(body.status.allowed).toBe(false);
    expect(body.status.nearest[0]).toMatchObject({ binding: "RoleBinding a/ann-reads", misses });
    expect(body.status.dangling).toEqual(['clusterrole.rbac.authorization.k8s.io "nowhere" not found']);
  });

  it("names roles that would allow, and not the system's where there are others", async () => {
    const { body } = await explain("ann", { verb: "list", resource: "pods", namespace: "a" });
    expect(body.status.roles).toContain("ClusterRole view");
    expect(body.status.roles.join()).not.toContain("system:");
  });

  it("is for administrators", async () => {
    await cluster.admin.create(clusterRoleBindings, {
      metadata: { name: "editor" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [{ kind: "User", name: "ann", apiGroup: "rbac.authorization.k8s.io" }],
    });
    expect((await explain("ann", { verb: "get", resource: "pods" }, { name: "ann", groups: [] })).status).toBe(403);
    expect((await cluster.ask("GET", "/apis/insight.keles.dev/v1/accessexplanations", { as: master })).status).toBe(405);
  });

  it("refuses a question without a subject or a matter", async () => {
    expect((await explain("", {})).status).toBe(201);
    const body = { apiVersion: "insight.keles.dev/v1", kind: "AccessExplanation", metadata: {}, spec: {} };
    const answer = await cluster.ask("POST", "/apis/insight.keles.dev/v1/accessexplanations", { as: master, body });
    expect(answer.status).toBe(422);
    expect(answer.body.details.causes.map(({ field }: { readonly field: string }) => field)).toEqual(["spec.resourceAttributes", "spec.user"]);
  });

  it("says so where no scheduler runs", async () => {
    const { status, body } = await cluster.ask("GET", "/apis/insight.keles.dev/v1/namespaces/a/podverdicts/x", { as: master });
    expect([status, body.reason]).toEqual([503, "ServiceUnavailable"]);
  });
});

describe("podverdicts", () => {
  let world: SchedulerWorld;
  beforeEach(async () => {
    world = await schedulerWorld();
  });
  afterEach(() => world.stop());
  const path = "/apis/insight.keles.dev/v1/namespaces/default/podverdicts";
  const verdict = (name: string) => world.client.raw("GET", `${path}/${name}`);

  it("tells what each node lacks and the smallest change", async () => {
    await world.addNode("small", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } });
    await world.addNode("large", { spec: { unschedulable: true } });
    await world.addPod("web", { cpu: "1500m" });
    await world.settle();
    expect(await verdict("web")).toMatchObject({
      kind: "PodVerdict",
      metadata: { name: "web", namespace: "default" },
      status: {
        phase: "Waiting",
        nodes: 2,
        verdicts: [
          { node: "small", plugin: "NodeResourcesFit", reasons: [{ reason: "Insufficient cpu", requested: "1500m", free: "1", lacking: "500m" }] },
          { node: "large", plugin: "NodeUnschedulable", reasons: [{ reason: "node(s) were unschedulable" }] },
        ],
        suggestion: { node: "large", changes: ["uncordon node large"] },
      },
    });
  });

  it("tells as things stand now", async () => {
    await world.addPod("web", { cpu: "1" });
    await world.settle();
    expect(await verdict("web")).toMatchObject({ status: { phase: "Waiting", nodes: 0, message: "no nodes available to schedule pods" } });
    await world.addNode("n");
    await world.settle();
    expect(await verdict("web")).toMatchObject({ status: { phase: "Scheduled", nodeName: "n" } });
  });

  it("knows gates, other schedulers and missing claims", async () => {
    await world.addNode("n");
    await world.addPod("gated", { spec: { schedulingGates: [{ name: "example.com/wait" }] } });
    await world.addPod("foreign", { spec: { schedulerName: "other" } });
    await world.addPod("claim", { spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "none" } }] } });
    await world.settle();
    expect(await verdict("gated")).toMatchObject({ status: { phase: "Gated", suggestion: { changes: [expect.stringContaining("example.com/wait")] } } });
    expect(await verdict("foreign")).toMatchObject({ status: { phase: "Foreign" } });
    expect(await verdict("claim")).toMatchObject({ status: { phase: "Waiting", suggestion: { changes: [expect.stringContaining("create the PersistentVolumeClaim none")] } } });
    const { items } = (await world.client.raw("GET", `${path}?fieldSelector=metadata.name%3Dgated`)) as { readonly items: readonly unknown[] };
    expect(items).toHaveLength(1);
  });

  it("knows no pod that there is not", async () => {
    await expect(verdict("none")).rejects.toMatchObject({ status: { code: 404 } });
  });
});
