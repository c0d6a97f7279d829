import { afterEach, beforeEach, expect, it } from "vitest";
import { configMaps, customResourceDefinitions, storageVersionMigrations } from "../../src/api/generated/resources.ts";
import type { StorageVersionMigration } from "../../src/api/generated/types/storagemigration-v1beta1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import { storageVersionMigrator } from "../../src/controllers/storage-version-migrator/reconcile.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { EncryptedStore } from "../../src/store/encrypted/encrypted-store.ts";
import { Transformer } from "../../src/store/encrypted/transformer.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { admin, serveMemory } from "./served-memory.ts";

const cogs: Resource<KubeObject> = { group: "example.com", version: "v1", resource: "cogs", kind: "Cog", namespaced: true };
const namespace = "default";
const prefix = "/registry/example.com/cogs/";

let client: Client;
let served: Awaited<ReturnType<typeof serveMemory>>;
let inner: MemoryStore;
let stop: AbortController;
let running: Promise<unknown>[];
/** The key that values are sealed with. */
let sealing: number;

/** Two keys, today's first. They keep no secret, but what each has sealed says so. */
function keys(): Transformer {
  const named = (key: number): { readonly prefix: string; readonly cipher: { seal(plain: Uint8Array): Uint8Array; open(sealed: Uint8Array): Uint8Array } } => ({
    prefix: `k8s:enc:none:v1:key${key}:`,
    cipher: { seal: (plain) => plain, open: (sealed) => sealed },
  });
  return new Transformer([named(sealing), named(3 - sealing)]);
}

beforeEach(async () => {
  stop = new AbortController();
  inner = new MemoryStore();
  sealing = 1;
  served = await serveMemory({
    store: new EncryptedStore({ transformerFor: (key) => (key.startsWith("/registry/configmaps/") ? keys() : undefined) }, { store: inner }),
  });
  client = inProcessClient(served.api.handle, admin);
  running = [new CrdRegistrar({ ...served.api.parts, client, webhooks: nodeWebhookClient, services: new ServiceResolver(served.api.parts) }).run(stop.signal)];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await served.stop();
});

function startMigrator(): void {
  const deps = { client, clock: systemClock, random: seededRandom(3), log: silentLogger, metrics: noMetrics };
  const informers = createInformerFactory({}, deps);
  const controllers = [storageVersionMigrator({ ...deps, informers, recorder: createEventRecorder({ ...deps, component: "test" }) })];
  running.push(runControllers(controllers, { ...deps, informers }, stop.signal), informers.run(stop.signal));
}

/** Watches one object until it is as wanted. */
async function until<T extends KubeObject>(resource: Resource<T>, name: string, wanted: (object: T) => boolean): Promise<T> {
  const { metadata, items } = await client.list(resource);
  const present = items.find((item) => item.metadata.name === name);
  if (present !== undefined && wanted(present)) return present;
  const watch = new AbortController();
  for await (const batch of client.watch(resource, { resourceVersion: metadata.resourceVersion ?? "0", signal: watch.signal })) {
    for (const { object } of batch) {
      if (object.metadata.name !== name || !wanted(object)) continue;
      watch.abort();
      return object;
    }
  }
  throw new Error("the watch ended");
}

const isOver = ({ status }: StorageVersionMigration): boolean =>
  status?.conditions?.some(({ type }) => type === "Running") === false && status.conditions.some(({ type, status: value }) => type !== "Running" && value === "True");
const migrate = (name: string, resource: StorageVersionMigration["spec"]["resource"]): Promise<StorageVersionMigration> =>
  client.create(storageVersionMigrations, { metadata: { name }, spec: { resource } });
const conditionsOf = ({ status }: StorageVersionMigration): readonly unknown[] =>
  (status?.conditions ?? []).map(({ type, status: value, reason, message }) => [type, value, reason, message]);

async function define(versions: readonly string[], storage: string): Promise<void> {
  const spec = {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "cogs", kind: "Cog" },
    versions: versions.map((name) => ({
      name,
      served: true,
      storage: name === storage,
      schema: { openAPIV3Schema: { type: "object" as const, "x-kubernetes-preserve-unknown-fields": true } },
    })),
  };
  const { items } = await client.list(customResourceDefinitions);
  const [live] = items;
  if (live === undefined) await client.create(customResourceDefinitions, { metadata: { name: "cogs.example.com" }, spec });
  else await client.update(customResourceDefinitions, { ...live, spec: { ...live.spec, versions: spec.versions } });
  await until(
    customResourceDefinitions,
    "cogs.example.com",
    ({ status }) => status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True") === true,
  );
}

it("brings custom objects to today's version, and the old one out of storedVersions", async () => {
  await define(["v1", "v2"], "v1");
  for (let index = 0; index < 5; index += 1) await client.create(cogs, { metadata: { name: `c${index}` }, spec: { n: index } } as never, { namespace });
  await define(["v1", "v2"], "v2");
  expect((await client.get(customResourceDefinitions, "cogs.example.com")).status?.storedVersions).toEqual(["v1", "v2"]);
  startMigrator();
  await migrate("m", { group: "example.com", resource: "cogs" });
  const done = await until(storageVersionMigrations, "m", isOver);
  expect(conditionsOf(done)).toEqual([["Succeeded", "True", "StorageVersionMigrationSucceeded", ""]]);
  expect(Number(done.status?.resourceVersion)).toBeGreaterThan(0);
  const { entries } = await inner.range(prefix);
  expect(entries.map(({ value }) => (JSON.parse(new TextDecoder().decode(value)) as KubeObject).apiVersion)).toEqual(Array.from({ length: 5 }, () => "example.com/v2"));
  // Written anew, not changed.
  const [first] = (await client.list(cogs, { namespace })).items;
  expect(first?.metadata.generation).toBe(1);
  expect(first?.metadata.managedFields?.some(({ manager }) => manager?.includes("migrator") === true)).toBe(false);
  const definition = await client.get(customResourceDefinitions, "cogs.example.com");
  expect(definition.status?.storedVersions).toEqual(["v2"]);
  expect(definition.status?.conditions?.find(({ type }) => type === "StorageMigrating")).toMatchObject({
    status: "False",
    reason: "MigrationSucceeded",
    message: "The migration has succeeded and the stored versions have been updated",
  });
  // Now the old version may go.
  await client.update(customResourceDefinitions, { ...definition, spec: { ...definition.spec, versions: definition.spec.versions.filter(({ name }) => name === "v2") } });
});

it("seals built-in objects anew, goes on where it stopped, and does one at a time", async () => {
  for (const name of ["a", "b", "c"]) await client.create(configMaps, { metadata: { name }, data: { k: name } }, { namespace });
  const sealedWith = async (): Promise<readonly unknown[]> =>
    (await inner.range("/registry/configmaps/default/")).entries.map(({ value }) => Number(/key(\d)/.exec(new TextDecoder().decode(value))?.[1]));
  expect(await sealedWith()).toEqual([1, 1, 1]);
  sealing = 2;
  // As one leaves it that was interrupted: `a` is done already.
  const began = (await client.list(configMaps)).metadata.resourceVersion ?? "";
  await client.patch(configMaps, "a", { type: "merge", value: { data: { k: "changed" } } }, { namespace });
  const written = (await client.get(configMaps, "a", { namespace })).metadata.resourceVersion;
  const interrupted = await migrate("m1", { group: "", resource: "configmaps" });
  await client.update(
    storageVersionMigrations,
    {
      ...interrupted,
      status: {
        resourceVersion: began,
        conditions: [{ type: "Running", status: "True", reason: "MigrationRunning", message: "The migration is running", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      },
    },
    { subresource: "status" },
  );
  await migrate("m2", { group: "", resource: "configmaps" });
  startMigrator();
  await until(storageVersionMigrations, "m2", isOver);
  expect(conditionsOf(await client.get(storageVersionMigrations, "m1"))).toEqual([["Succeeded", "True", "StorageVersionMigrationSucceeded", ""]]);
  expect(await sealedWith()).toEqual([2, 2, 2]);
  expect((await client.get(configMaps, "a", { namespace })).metadata.resourceVersion).toBe(written);
  expect((await client.get(configMaps, "b", { namespace })).data).toEqual({ k: "b" });
});

it("says what does not exist, and takes no nonsense", async () => {
  startMigrator();
  await migrate("m", { group: "example.com", resource: "nothing" });
  expect(conditionsOf(await until(storageVersionMigrations, "m", isOver))).toEqual([["Failed", "True", "StorageVersionMigrationFailed", "resource does not exist in discovery"]]);
  await expect(migrate("n", { group: "x", resource: "" })).rejects.toThrow("spec.resource.resource: Required value: resource is required");
  const made = await client.get(storageVersionMigrations, "m");
  await expect(client.update(storageVersionMigrations, { ...made, spec: { resource: { group: "example.com", resource: "other" } } })).rejects.toThrow("field is immutable");
  await expect(client.update(storageVersionMigrations, { ...made, status: { ...made.status, conditions: [] } }, { subresource: "status" })).rejects.toThrow(
    "Failed condition cannot be set to false once it is true",
  );
});
