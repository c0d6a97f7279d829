import { afterEach, beforeEach, expect, it } from "vitest";
import { apiServices, configMaps, customResourceDefinitions, ipAddresses, namespaces, pods, serviceAccounts, services } from "../../src/api/generated/resources.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { serveCluster, type ServedCluster } from "../integration/served-cluster.ts";

const place = { namespace: "default" };
let cluster: ServedCluster;
beforeEach(async () => {
  cluster = await serveCluster();
  await cluster.admin.create(serviceAccounts, { metadata: { name: "default", ...place } });
});
afterEach(() => cluster.stop());

it("loses no increment when many count at once, by update with retries and by patch", async () => {
  const { admin } = cluster;
  await admin.create(configMaps, { metadata: { name: "count", ...place }, data: { a: "0" } });
  let conflicts = 0;
  const countByUpdate = async (): Promise<void> => {
    for (;;) {
      const current = await admin.get(configMaps, "count", place);
      try {
        await admin.update(configMaps, { ...current, data: { ...current.data, a: String(Number(current.data?.["a"]) + 1) } });
        return;
      } catch (error) {
        if ((error as { readonly reason?: string }).reason !== "Conflict") throw error;
        conflicts += 1;
      }
    }
  };
  const patchOwn = (index: number): Promise<unknown> => admin.patch(configMaps, "count", { type: "merge", value: { data: { [`k${index}`]: "x" } } }, place);
  const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? countByUpdate() : patchOwn(index))));
  const patched = outcomes.filter(({ status }, index) => status === "fulfilled" && index % 2 === 1).length;
  const { data = {} } = await admin.get(configMaps, "count", place);
  expect(data["a"]).toBe("30");
  expect(conflicts).toBeGreaterThan(0);
  expect(Object.keys(data).length - 1).toBe(patched);
});

it("draws another name when a generated one is taken, and gives what was asked for to the second", async () => {
  const { api, admin } = cluster;
  const { random } = api.parts;
  const bytes = random.bytes.bind(random);
  // The same suffix for two creates, a new one for the third draw.
  let draws = 0;
  (random as { bytes: typeof bytes }).bytes = (length) => (length === 5 && draws++ < 2 ? new Uint8Array(5) : bytes(length));
  const first = await admin.create(services, { metadata: { generateName: "web-", ...place }, spec: { ports: [{ port: 80 }] } });
  const second = await admin.create(services, { metadata: { generateName: "web-", ...place }, spec: { ports: [{ port: 80 }] } });
  expect(first.metadata.name).toBe("web-bbbbb");
  expect(second.metadata.name).not.toBe(first.metadata.name);
  expect(second.spec.clusterIP).not.toBe(first.spec.clusterIP);
  expect((await admin.list(ipAddresses)).items.map(({ metadata }) => metadata.name).sort()).toEqual([first.spec.clusterIP, second.spec.clusterIP].sort());
});

it.each(["", "status"])("keeps a service's address while it waits for a finalizer, and frees it when %j takes the last one off", async (subresource) => {
  const { admin } = cluster;
  const { spec } = await admin.create(services, { metadata: { name: "web", ...place }, spec: { ports: [{ port: 80 }] } });
  await admin.delete(services, "web", { ...place, propagationPolicy: "Foreground" });
  const addresses = async (): Promise<readonly (string | undefined)[]> => (await admin.list(ipAddresses)).items.map(({ metadata }) => metadata.name);
  expect(await addresses()).toEqual([spec.clusterIP]);
  const waiting = await admin.get(services, "web", place);
  await admin.update(services, { ...waiting, metadata: { ...waiting.metadata, finalizers: [] } }, subresource === "" ? {} : { subresource });
  await expect(admin.get(services, "web", place)).rejects.toMatchObject({ reason: "NotFound" });
  expect(await addresses()).toEqual([]);
});

it("lets nobody add a finalizer to what is being deleted", async () => {
  const { admin } = cluster;
  await admin.create(configMaps, { metadata: { name: "held", ...place, finalizers: ["example.com/a"] } });
  await admin.delete(configMaps, "held", place);
  await expect(admin.patch(configMaps, "held", { type: "merge", value: { metadata: { finalizers: ["example.com/a", "example.com/b"] } } }, place)).rejects.toMatchObject({
    status: { reason: "Invalid", details: { causes: [{ reason: "FieldValueForbidden", field: "metadata.finalizers" }] } },
  });
  await admin.patch(configMaps, "held", { type: "merge", value: { metadata: { finalizers: null } } }, place);
  await expect(admin.get(configMaps, "held", place)).rejects.toMatchObject({ reason: "NotFound" });
});

it("shortens the grace of a deletion only for who names a shorter one", async () => {
  const { admin, clock } = cluster;
  await admin.create(pods, { metadata: { name: "web", ...place }, spec: { nodeName: "n", containers: [{ name: "web", image: "web" }] } });
  const seen = async (gracePeriodSeconds?: number): Promise<number | undefined> => {
    await admin.delete(pods, "web", { ...place, ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) });
    return (await admin.get(pods, "web", place)).metadata.deletionGracePeriodSeconds;
  };
  const graces = [];
  for (const seconds of [60, undefined, 90, 20, 40]) graces.push(await seen(seconds));
  expect(graces).toEqual([60, 60, 60, 20, 20]);
  expect(Date.parse((await admin.get(pods, "web", place)).metadata.deletionTimestamp ?? "")).toBe(Math.floor(clock.now() / 1000) * 1000 + 20_000);
});

it("does not delete by a uid that belongs to an earlier object of the name", async () => {
  const { admin } = cluster;
  const { metadata } = await admin.create(configMaps, { metadata: { name: "again", ...place } });
  await admin.delete(configMaps, "again", place);
  await admin.create(configMaps, { metadata: { name: "again", ...place } });
  const uid = metadata.uid ?? "";
  await expect(admin.delete(configMaps, "again", { ...place, preconditions: { uid } })).rejects.toMatchObject({ reason: "Conflict" });
  await expect(admin.update(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "again", ...place, uid } })).rejects.toMatchObject({ reason: "Conflict" });
});

it("stores nothing in a dry run, and holds nothing after it", async () => {
  const { admin, api } = cluster;
  const before = await api.parts.store.revision();
  for (let index = 0; index < 3; index += 1)
    await admin.create(
      services,
      { metadata: { name: "dry", ...place }, spec: { clusterIP: "10.43.0.99", type: "NodePort", ports: [{ port: 80, nodePort: 30_500 }] } },
      { dryRun: true },
    );
  expect(await api.parts.store.revision()).toBe(before);
  const { spec } = await admin.create(services, {
    metadata: { name: "wet", ...place },
    spec: { clusterIP: "10.43.0.99", type: "NodePort", ports: [{ port: 80, nodePort: 30_500 }] },
  });
  expect(spec.clusterIP).toBe("10.43.0.99");
});

it("leaves a pod's generation alone when it is bound", async () => {
  const { admin } = cluster;
  await admin.create(pods, { metadata: { name: "web", ...place }, spec: { containers: [{ name: "web", image: "web" }] } });
  await admin.createSubresource(pods, "web", "binding", { apiVersion: "v1", kind: "Binding", metadata: { name: "web" }, target: { kind: "Node", name: "n" } }, place);
  const { spec, metadata } = await admin.get(pods, "web", place);
  expect([spec.nodeName, metadata.generation]).toEqual(["n", 1]);
});

it("serves no custom resource in the place of a built-in one, nor deletes what is behind it", async () => {
  const { admin, api } = cluster;
  const group = "apiregistration.k8s.io";
  const { parts } = api;
  const stop = new AbortController();
  const registrar = new CrdRegistrar({ ...parts, client: admin, webhooks: nodeWebhookClient, services: new ServiceResolver(parts) });
  const running = registrar.run(stop.signal);
  const builtin = parts.table.get(group, "v1", "apiservices");
  expect(builtin).toBeDefined();
  await admin.create(apiServices, { metadata: { name: "v1.example.com" }, spec: { group: "example.com", version: "v1", groupPriorityMinimum: 100, versionPriority: 100 } });
  const name = `apiservices.${group}`;
  await admin.create(customResourceDefinitions, {
    metadata: { name, annotations: { "api-approved.kubernetes.io": "unapproved, test" } },
    spec: {
      group,
      scope: "Cluster",
      names: { plural: "apiservices", singular: "apiservice", kind: "APIService", listKind: "APIServiceList" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } }],
    },
  });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await turns();
  const { status } = await admin.get(customResourceDefinitions, name);
  expect(status?.conditions?.find(({ type }) => type === "NamesAccepted")).toMatchObject({ status: "False", message: '"APIService" is already in use' });
  expect(parts.table.get(group, "v1", "apiservices")).toBe(builtin);
  await admin.delete(customResourceDefinitions, name);
  await turns();
  await expect(admin.get(customResourceDefinitions, name)).rejects.toMatchObject({ reason: "NotFound" });
  expect(parts.table.get(group, "v1", "apiservices")).toBe(builtin);
  expect((await admin.get(apiServices, "v1.example.com")).metadata.name).toBe("v1.example.com");
  stop.abort();
  await running;
});

it("does not let a namespace go with what is in it unseen", async () => {
  const { admin } = cluster;
  await admin.create(namespaces, { metadata: { name: "gone" } });
  await admin.delete(namespaces, "gone");
  await expect(admin.create(configMaps, { metadata: { name: "late", namespace: "gone" } })).rejects.toMatchObject({ reason: "Forbidden" });
});
