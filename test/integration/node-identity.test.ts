import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMaps, leases, nodes, persistentVolumeClaims, persistentVolumes, pods, secrets, serviceAccounts } from "../../src/api/generated/resources.ts";
import type { PodSpec } from "../../src/api/generated/types/core-v1.ts";
import { type Answer, type Person, serveCluster, type ServedCluster } from "./served-cluster.ts";

let cluster: ServedCluster;
const kubelet = (name: string): Person => ({ name: `system:node:${name}`, groups: ["system:nodes"] });
const one = kubelet("n1");
const place = { namespace: "default" };
const uids = new Map<string, string>();

async function run(name: string, nodeName: string, spec: Partial<PodSpec> = {}): Promise<void> {
  const container = { name: "a", image: "a" };
  const made = await cluster.admin.create(pods, { metadata: { name, ...place }, spec: { nodeName, containers: [container], ...spec } });
  uids.set(name, made.metadata.uid ?? "");
}
const get = (url: string, as: Person = one): Promise<Answer> => cluster.ask("GET", url, { as });

beforeAll(async () => {
  cluster = await serveCluster();
  const { admin } = cluster;
  await admin.create(serviceAccounts, { metadata: { name: "default", ...place } });
  for (const name of ["n1", "n2"]) await admin.create(nodes, { metadata: { name } });
  for (const name of ["mine", "env", "pulls", "theirs", "volume-key"]) await admin.create(secrets, { metadata: { name, ...place } });
  for (const name of ["mine", "theirs"]) await admin.create(configMaps, { metadata: { name, ...place }, data: {} });
  const resources = { requests: { storage: "1Gi" } };
  await admin.create(persistentVolumes, {
    metadata: { name: "disk" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "1Gi" },
      claimRef: { namespace: "default", name: "data" },
      csi: { driver: "a.b", volumeHandle: "1", nodeStageSecretRef: { namespace: "default", name: "volume-key" } },
    },
  });
  await admin.create(persistentVolumeClaims, {
    metadata: { name: "data", ...place },
    spec: { accessModes: ["ReadWriteOnce"], resources, volumeName: "disk", storageClassName: "" },
  });
  await run("web", "n1", {
    containers: [{ name: "a", image: "a", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "env", key: "a" } } }] }],
    imagePullSecrets: [{ name: "pulls" }],
    volumes: [
      { name: "s", projected: { sources: [{ secret: { name: "mine" } }, { configMap: { name: "mine" } }] } },
      { name: "d", persistentVolumeClaim: { claimName: "data" } },
    ],
  });
  await run("other", "n2", { volumes: [{ name: "s", secret: { secretName: "theirs" } }] });
});
afterAll(() => cluster.stop());

describe("reading", () => {
  it.each(["secrets/mine", "secrets/env", "secrets/pulls", "secrets/volume-key", "configmaps/mine", "persistentvolumeclaims/data", "pods/web", "serviceaccounts/default"])(
    "a kubelet reads %s, which its pods need",
    async (path) => {
      expect((await get(`/api/v1/namespaces/default/${path}`)).status).toBe(200);
    },
  );

  it.each(["secrets/theirs", "secrets/none", "configmaps/theirs", "pods/other"])("a kubelet does not read %s", async (path) => {
    const { status, body } = await get(`/api/v1/namespaces/default/${path}`);
    expect(status).toBe(403);
    expect(body.message).toContain("no relationship found between node 'n1' and this object");
  });

  it("reads what belongs to it of what is not in a namespace", async () => {
    expect((await get("/api/v1/persistentvolumes/disk")).status).toBe(200);
    expect((await get("/api/v1/persistentvolumes/disk", kubelet("n2"))).status).toBe(403);
    expect((await get("/api/v1/nodes/n1")).status).toBe(200);
    expect((await get("/api/v1/nodes/n2")).body.message).toContain("node 'n1' cannot read 'n2', only its own Node object");
    expect((await get("/api/v1/nodes")).body.message).toContain("node 'n1' cannot read all nodes, only its own Node object");
    expect((await get("/api/v1/nodes?fieldSelector=metadata.name%3Dn1")).body.items).toHaveLength(1);
  });

  it("lists only what is its own", async () => {
    expect((await get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")).body.items).toHaveLength(1);
    expect((await get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2")).body.message).toContain("can only list/watch pods with spec.nodeName field selector");
    expect((await get("/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dmine")).status).toBe(200);
    expect((await get("/api/v1/namespaces/default/secrets")).body.message).toContain("No Object name found");
    expect((await get("/api/v1/services")).status).toBe(200);
  });

  it("follows pods as they come and go", async () => {
    const url = "/api/v1/namespaces/default/secrets/theirs";
    await run("late", "n1", { volumes: [{ name: "s", secret: { secretName: "theirs" } }] });
    expect((await get(url)).status).toBe(200);
    await cluster.admin.delete(pods, "late", { ...place, gracePeriodSeconds: 0 });
    expect((await get(url)).status).toBe(403);
  });
});

describe("writing", () => {
  const patch = (url: string, body: unknown, as: Person = one): Promise<Answer> =>
    cluster.ask("PATCH", url, { as, body, headers: { "content-type": "application/merge-patch+json" } });

  it("changes its own node, but not what steers work to it", async () => {
    expect((await patch("/api/v1/nodes/n1", { metadata: { labels: { "topology.kubernetes.io/zone": "a", mine: "b" } } })).status).toBe(200);
    expect((await patch("/api/v1/nodes/n2", { metadata: { labels: { mine: "b" } } })).body.message).toBe('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"');
    expect(
      (await patch("/api/v1/nodes/n1", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "", "a.node-restriction.kubernetes.io/b": "" } } })).body.message,
    ).toContain('node "n1" is not allowed to modify labels: a.node-restriction.kubernetes.io/b, node-role.kubernetes.io/control-plane');
    expect((await patch("/api/v1/nodes/n1", { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } })).body.message).toContain('node "n1" is not allowed to modify taints');
  });

  it("reports on its own pods", async () => {
    const status = { status: { message: "hello" } };
    expect((await patch("/api/v1/namespaces/default/pods/web/status", status)).status).toBe(200);
    expect((await patch("/api/v1/namespaces/default/pods/other/status", status)).body.message).toContain("can only update pod status for pods with spec.nodeName set to itself");
    expect((await cluster.ask("DELETE", "/api/v1/namespaces/default/pods/other", { as: one })).body.message).toContain("can only delete pods with spec.nodeName set to itself");
    const pod = { metadata: { name: "sneaky", ...place }, spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }] } };
    expect((await cluster.ask("POST", "/api/v1/namespaces/default/pods", { as: one, body: pod })).body.message).toContain(
      'pod does not have "kubernetes.io/config.mirror" annotation',
    );
  });

  it("keeps its own lease", async () => {
    const url = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const lease = (name: string): unknown => ({ metadata: { name }, spec: { holderIdentity: name, leaseDurationSeconds: 40 } });
    expect((await cluster.ask("POST", url, { as: one, body: lease("n2") })).body.message).toContain("can only access node lease with the same name as the requesting node");
    expect((await cluster.ask("POST", url, { as: one, body: lease("n1") })).status).toBe(201);
    await cluster.admin.create(leases, { metadata: { name: "x", namespace: "kube-system" } });
    expect((await get("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x")).status).toBe(403);
  });

  it("asks for tokens that its pods use, bound to them", async () => {
    const url = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const ask = async (spec: unknown, as = one): Promise<unknown> => {
      const { status, body } = await cluster.ask("POST", url, { as, body: { spec } });
      return status === 201 ? 201 : body.message;
    };
    const bound = (name: string): unknown => ({ boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid: uids.get(name) } });
    expect(await ask(bound("web"))).toBe(201);
    expect(await ask({})).toContain("node requested token not bound to a pod");
    expect(await ask(bound("other"))).toContain("node requested token bound to a pod scheduled on a different node");
    expect(await ask(bound("web"), kubelet("n3"))).toContain("no relationship found between node 'n3' and this object");
  });

  it("does nothing else", async () => {
    expect((await cluster.ask("DELETE", "/api/v1/nodes/n1", { as: one })).status).toBe(403);
    expect((await cluster.ask("POST", "/api/v1/namespaces/default/secrets", { as: one, body: { metadata: { name: "s" } } })).status).toBe(403);
    expect((await get("/apis/apps/v1/deployments")).status).toBe(403);
  });
});
