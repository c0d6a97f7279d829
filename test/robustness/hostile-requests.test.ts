import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, configMaps, namespaces, pods, roleBindings, roles, serviceAccounts } from "../../src/api/generated/resources.ts";
import { serveCluster, type ServedCluster } from "../integration/served-cluster.ts";

const admin = { name: "admin", groups: ["system:masters"] };
/** May do everything in namespace `mine`, and nothing elsewhere. */
const owner = { name: "owner" };
/** May get every subresource of pods, and no more. */
const reader = { name: "reader" };
/** May patch and update, never create. */
const changer = { name: "changer" };
let cluster: ServedCluster;

beforeAll(async () => {
  cluster = await serveCluster();
  const { admin: client } = cluster;
  for (const name of ["mine", "other"]) await client.create(namespaces, { metadata: { name } });
  await client.create(serviceAccounts, { metadata: { name: "default", namespace: "mine" } });
  const api = "rbac.authorization.k8s.io";
  await client.create(roles, { metadata: { name: "all", namespace: "mine" }, rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] });
  await client.create(roleBindings, {
    metadata: { name: "all", namespace: "mine" },
    roleRef: { apiGroup: api, kind: "Role", name: "all" },
    subjects: [{ apiGroup: api, kind: "User", name: owner.name }],
  });
  const grant = async (name: string, rule: { readonly resources: readonly string[]; readonly verbs: readonly string[]; readonly apiGroups: readonly string[] }): Promise<void> => {
    await client.create(clusterRoles, { metadata: { name }, rules: [rule] });
    await client.create(clusterRoleBindings, {
      metadata: { name },
      roleRef: { apiGroup: api, kind: "ClusterRole", name },
      subjects: [{ apiGroup: api, kind: "User", name }],
    });
  };
  await grant(reader.name, { apiGroups: [""], resources: ["pods", "pods/exec", "pods/attach", "pods/portforward"], verbs: ["get"] });
  await grant(changer.name, { apiGroups: ["", "coordination.k8s.io"], resources: ["configmaps", "leases"], verbs: ["get", "patch", "update"] });
  await client.create(pods, { metadata: { name: "web", namespace: "mine" }, spec: { containers: [{ name: "web", image: "web" }] } });
  await client.create(configMaps, { metadata: { name: "named", namespace: "mine", labels: { app: "web" } } });
});
afterAll(() => cluster.stop());

describe("what is allowed inside one namespace", () => {
  it.each([
    ["GET", "/api/v1/namespaces/mine/namespaces/other"],
    ["GET", "/api/v1/namespaces/mine/namespaces"],
    ["DELETE", "/api/v1/namespaces/mine/namespaces/other"],
    ["PATCH", "/api/v1/namespaces/mine/namespaces/other"],
    ["POST", "/api/v1/namespaces/mine/namespaces"],
    ["GET", "/api/v1/namespaces/mine/nodes"],
    ["GET", "/api/v1/namespaces/mine//secrets/../../other/secrets"],
    ["GET", "/api/v1/namespaces/mine%2F..%2Fother/secrets"],
    ["GET", "/api/v1/namespaces/other/secrets"],
    ["GET", "/api/v1/watch/namespaces/other/secrets"],
    ["GET", "/api/v1/secrets?fieldSelector=metadata.namespace%3Dmine"],
    ["GET", "/api/v1/namespaces/mine/namespaces/other/status"],
    ["PUT", "/api/v1/namespaces/mine/namespaces/other/finalize"],
  ] as const)("does not reach %s %s", async (method, url) => {
    const body = method === "GET" || method === "DELETE" ? undefined : { apiVersion: "v1", kind: "Namespace", metadata: { name: "new" } };
    const { status } = await cluster.ask(method, url, { as: owner, body, headers: method === "PATCH" ? { "content-type": "application/merge-patch+json" } : {} });
    expect([403, 404]).toContain(status);
    expect((await cluster.ask("GET", "/api/v1/namespaces/other", { as: admin })).body.metadata.deletionTimestamp).toBeUndefined();
    expect((await cluster.ask("GET", "/api/v1/namespaces/new", { as: admin })).status).toBe(404);
  });

  it("does reach the namespace itself", async () => {
    expect((await cluster.ask("GET", "/api/v1/namespaces/mine", { as: owner })).status).toBe(200);
  });
});

describe("rights that need another one beside them", () => {
  it.each(["GET", "HEAD"] as const)("opens no stream to a pod by %s without the right to create it", async (method) => {
    for (const kind of ["exec?command=id", "attach", "portforward"]) {
      const { status } = await cluster.api.handle(
        {
          method,
          path: `/api/v1/namespaces/mine/pods/web/${kind.split("?")[0] ?? ""}`,
          query: kind.split("?")[1] ?? "",
          headers: {},
          body: { type: "none" },
          caller: { type: "network", address: "192.0.2.1", upgradable: true, certificate: { commonName: reader.name, organizations: [], fingerprint: "ab", notAfter: 1e15 } },
        },
        new AbortController(),
      );
      // 400: the pod has no node yet.
      expect([400, 403]).toContain(status);
    }
  });

  it("creates nothing by an apply patch or a PUT for who may not create", async () => {
    const apply = (as: typeof admin | typeof changer) =>
      cluster.ask("PATCH", "/api/v1/namespaces/mine/configmaps/applied?fieldManager=test", {
        as,
        headers: { "content-type": "application/apply-patch+yaml" },
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied" } },
      });
    const put = (as: typeof admin | typeof changer) =>
      cluster.ask("PUT", "/apis/coordination.k8s.io/v1/namespaces/mine/leases/put", {
        as,
        body: { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "put" } },
      });
    expect([(await apply(changer)).status, (await put(changer)).status]).toEqual([403, 403]);
    expect((await cluster.ask("GET", "/api/v1/namespaces/mine/configmaps/applied", { as: admin })).status).toBe(404);
    expect([(await apply(admin)).status, (await put(admin)).status]).toEqual([201, 201]);
    expect([(await apply(changer)).status, (await put(changer)).status]).toEqual([200, 200]);
  });

  it("lets a list by name pass where only that name is allowed", async () => {
    const { admin: client } = cluster;
    await client.create(roles, {
      metadata: { name: "one", namespace: "mine" },
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"], resourceNames: ["named"] }],
    });
    await client.create(roleBindings, {
      metadata: { name: "one", namespace: "mine" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "one" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "lister" }],
    });
    const list = (selector: string) => cluster.ask("GET", `/api/v1/namespaces/mine/configmaps?fieldSelector=${encodeURIComponent(selector)}`, { as: { name: "lister" } });
    expect((await list("metadata.name=named")).body.items).toHaveLength(1);
    expect((await list("metadata.name=other")).status).toBe(403);
    expect((await list("metadata.name!=named")).status).toBe(403);
    expect((await list("")).status).toBe(403);
  });
});

describe("texts made to hurt", () => {
  it.each(["__defineGetter__", "hasOwnProperty", "constructor", "__proto__", "toString", "valueOf"])("knows no field %s", async (field) => {
    for (const query of ["", "&watch=1"]) {
      const { status, body } = await cluster.ask("GET", `/api/v1/pods?fieldSelector=${field}%3Dx${query}`, { as: admin });
      expect([status, body.message]).toEqual([400, `field label not supported: ${field}`]);
    }
  });

  it.each(["(", "!", "=", "a,", ",", "a in (", "!a,"])("parses a megabyte of %j in labelSelector soon", async (text) => {
    const started = performance.now();
    const { status } = await cluster.ask("GET", `/api/v1/configmaps?labelSelector=${encodeURIComponent(text.repeat(1_000_000 / text.length))}`, { as: admin });
    expect(status).toBe(400);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it("answers 100,000 requirements without looking at each for each object", async () => {
    for (let index = 0; index < 300; index += 1) await cluster.admin.create(configMaps, { metadata: { name: `many-${index}`, namespace: "mine", labels: { app: "web" } } });
    const labels = Array.from({ length: 100_000 }, (_, index) => `!k${index}`).join();
    const fields = Array.from({ length: 50_000 }, (_, index) => `metadata.name!=k${index}`).join();
    const started = performance.now();
    const { status, body } = await cluster.ask("GET", `/api/v1/configmaps?labelSelector=${labels}&fieldSelector=${fields}`, { as: admin });
    expect(status).toBe(200);
    expect(body.items.length).toBeGreaterThan(300);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it.each(["bnVsbA.bnVsbA.x", "MQ.MQ.x", "e30.bnVsbA.x", "..", "a.b.c", "x".repeat(100_000), "e30.e30.", "W10.W10.W10"])("refuses the token %s", async (token) => {
    expect((await cluster.ask("GET", "/api/v1/pods", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
  });

  it.each(["constructor", "__proto__", "toString", "", "get", "TRACE", "CONNECT"])("answers the method %j", async (method) => {
    const { status } = await cluster.ask(method as "GET", "/api/v1/pods", { as: admin });
    expect([404, 405]).toContain(status);
  });

  it.each([
    { dryRun: 5 },
    { dryRun: [{}] },
    { dryRun: "All" },
    { preconditions: 5 },
    { preconditions: { uid: 5 } },
    { propagationPolicy: {} },
    { gracePeriodSeconds: "x" },
    [],
    "x",
    5,
  ])("refuses to delete with %j", async (body) => {
    const { status } = await cluster.ask("DELETE", "/api/v1/namespaces/mine/configmaps/named", { as: admin, body });
    expect([status, (await cluster.ask("GET", "/api/v1/namespaces/mine/configmaps/named", { as: admin })).status]).toEqual([400, 200]);
  });

  it("keeps keys that are names of prototypes, in every write", async () => {
    const url = "/api/v1/namespaces/mine/configmaps";
    const text = '{"metadata":{"name":"proto"},"data":{"__proto__":"a","constructor":"b","toString":"c"}}';
    expect((await cluster.ask("POST", url, { as: admin, body: text })).status).toBe(201);
    await cluster.ask("PUT", `${url}/proto`, { as: admin, body: text.replace('"a"', '"z"') });
    const types = { "application/merge-patch+json": '{"data":{"__proto__":"p","valueOf":"v"}}', "application/strategic-merge-patch+json": '{"data":{"__proto__":"q"}}' };
    for (const [type, body] of Object.entries(types)) expect((await cluster.ask("PATCH", `${url}/proto`, { as: admin, headers: { "content-type": type }, body })).status).toBe(200);
    const { body } = await cluster.ask("GET", `${url}/proto`, { as: admin });
    expect(Object.entries(body.data).sort()).toEqual([
      ["__proto__", "q"],
      ["constructor", "b"],
      ["toString", "c"],
      ["valueOf", "v"],
    ]);
    expect(({} as { readonly polluted?: string }).polluted).toBeUndefined();
  });

  it("keeps a field of YAML's and apply's that is named __proto__", async () => {
    const url = "/api/v1/namespaces/mine/configmaps";
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  __proto__: a\n";
    expect((await cluster.ask("POST", url, { as: admin, headers: { "content-type": "application/yaml" }, body: yaml })).status).toBe(201);
    const applied = await cluster.ask("PATCH", `${url}/applied-proto?fieldManager=m`, {
      as: admin,
      headers: { "content-type": "application/apply-patch+yaml" },
      body: yaml.replace("name: yaml", "name: applied-proto"),
    });
    expect(applied.status).toBe(201);
    for (const name of ["yaml", "applied-proto"]) expect(Object.entries((await cluster.ask("GET", `${url}/${name}`, { as: admin })).body.data)).toEqual([["__proto__", "a"]]);
  });
});
