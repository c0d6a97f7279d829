import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { customResourceDefinitions } from "../../src/api/generated/resources.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionNames, JSONSchemaProps } from "../../src/api/generated/types/apiextensions-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import { noMetrics } from "../../src/base/metrics.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Client } from "../../src/client/client.ts";
import { createEventRecorder } from "../../src/client/event-recorder-writer.ts";
import { createInformerFactory } from "../../src/client/informer-factory.ts";
import type { InformerFactory } from "../../src/client/informer.ts";
import { garbageCollector } from "../../src/controllers/garbage-collector/reconcile.ts";
import { runControllers } from "../../src/reconcile/run-controllers.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { hasReason } from "../../src/meta/status-error.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { admin, serveMemory } from "./served-memory.ts";

const group = "example.com";
const resourceOf = (plural: string, kind: string, version = "v1"): Resource<KubeObject> => ({ group, version, resource: plural, kind, namespaced: false });
const shape: JSONSchemaProps = { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } };
const definition = (names: CustomResourceDefinitionNames, versions: readonly string[] = ["v1"], of = group): Omit<CustomResourceDefinition, "apiVersion" | "kind"> => ({
  metadata: { name: `${names.plural}.${of}` },
  spec: { group: of, scope: "Cluster", names, versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema: { openAPIV3Schema: shape } })) },
});

let client: Client;
let served: Awaited<ReturnType<typeof serveMemory>>;
let stop: AbortController;

beforeEach(async () => {
  stop = new AbortController();
  served = await serveMemory();
  client = inProcessClient(served.api.handle, admin);
  void new CrdRegistrar({ ...served.api.parts, client, webhooks: nodeWebhookClient, services: new ServiceResolver(served.api.parts) }).run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await served.stop();
});

/** Watches until the definition is as wanted, and gives it; undefined for one that is gone. */
async function until(name: string, wanted: (definition: CustomResourceDefinition | undefined) => boolean): Promise<CustomResourceDefinition | undefined> {
  const { metadata, items } = await client.list(customResourceDefinitions);
  const present = items.find((item) => item.metadata.name === name);
  if (wanted(present)) return present;
  const watch = new AbortController();
  for await (const batch of client.watch(customResourceDefinitions, { resourceVersion: metadata.resourceVersion ?? "0", signal: watch.signal })) {
    for (const { type, object } of batch) {
      if (object.metadata.name !== name) continue;
      const now = type === "DELETED" ? undefined : object;
      if (!wanted(now)) continue;
      watch.abort();
      return now;
    }
  }
  throw new Error("the watch ended");
}
/** A promise that is resolved from outside. */
function latch(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const condition = (found: CustomResourceDefinition | undefined, type: string): readonly unknown[] => {
  const one = found?.status?.conditions?.find((candidate) => candidate.type === type);
  return [one?.status, one?.reason, one?.message];
};
const isSo = (type: string, status: string) => (found: CustomResourceDefinition | undefined) => condition(found, type)[0] === status;

describe("names", () => {
  it("are accepted, and shown", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog", shortNames: ["cg"] }));
    const found = await until("cogs.example.com", isSo("Established", "True"));
    expect(condition(found, "NamesAccepted")).toEqual(["True", "NoConflicts", "no conflicts found"]);
    expect(condition(found, "Established")).toEqual(["True", "InitialNamesAccepted", "the initial names have been accepted"]);
    expect(found?.status?.acceptedNames).toEqual({ plural: "cogs", singular: "cog", kind: "Cog", listKind: "CogList", shortNames: ["cg"] });
    expect(found?.status?.storedVersions).toEqual(["v1"]);
    expect(found?.metadata.finalizers).toEqual(["customresourcecleanup.apiextensions.k8s.io"]);
  });

  it("that another has are refused until that one goes", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog", shortNames: ["cg"] }));
    await until("cogs.example.com", isSo("Established", "True"));
    await client.create(customResourceDefinitions, definition({ plural: "wheels", kind: "Cog", shortNames: ["cg"] }));
    const refused = await until("wheels.example.com", isSo("NamesAccepted", "False"));
    expect(condition(refused, "NamesAccepted")).toEqual(["False", "ListKindConflict", '"CogList" is already in use']);
    expect(condition(refused, "Established")).toEqual(["False", "NotAccepted", "not all names are accepted"]);
    await expect(client.list(resourceOf("wheels", "Cog"))).rejects.toSatisfy((error) => hasReason(error, "NotFound"));
    await client.delete(customResourceDefinitions, "cogs.example.com");
    await until("wheels.example.com", isSo("Established", "True"));
    expect((await client.list(resourceOf("wheels", "Cog"))).items).toEqual([]);
  });

  it("that are wanted later leave what is served as it is", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog", shortNames: ["cg"] }));
    await client.create(customResourceDefinitions, definition({ plural: "wheels", kind: "Wheel" }));
    await until("cogs.example.com", isSo("Established", "True"));
    const made = await until("wheels.example.com", isSo("Established", "True"));
    if (made === undefined) throw new Error("it was made");
    await client.update(customResourceDefinitions, { ...made, spec: { ...made.spec, names: { ...made.spec.names, shortNames: ["cg"] } } });
    const found = await until("wheels.example.com", isSo("NamesAccepted", "False"));
    expect(condition(found, "NamesAccepted")).toEqual(["False", "ShortNamesConflict", '"cg" is already in use']);
    expect(condition(found, "Established")[0]).toBe("True");
    expect(found?.status?.acceptedNames?.shortNames).toBeUndefined();
    expect((await client.list(resourceOf("wheels", "Wheel"))).items).toEqual([]);
  });
});

describe("a protected group", () => {
  const name = "cogs.example.k8s.io";
  const made = (annotations?: Record<string, string>): Omit<CustomResourceDefinition, "apiVersion" | "kind"> => {
    const plain = definition({ plural: "cogs", kind: "Cog" }, ["v1"], "example.k8s.io");
    return { ...plain, metadata: { ...plain.metadata, annotations } };
  };
  it.each([
    [undefined, /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval annotation "api-approved\.kubernetes\.io", see https/],
    [{ "api-approved.kubernetes.io": "yes" }, /Invalid value: "yes": protected groups must have approval annotation .* with either a URL or a reason starting with "unapproved"/],
  ])("takes no definition with %j", async (annotations, message) => {
    await expect(client.create(customResourceDefinitions, made(annotations))).rejects.toThrow(message);
  });

  it.each([
    ["https://github.com/kubernetes/kubernetes/pull/78458", ["True", "ApprovedAnnotation", "approved in https://github.com/kubernetes/kubernetes/pull/78458"]],
    ["unapproved, experimental-only", ["False", "UnapprovedAnnotation", 'not approved: "unapproved, experimental-only"']],
  ])("says what %s means", async (text, expected) => {
    await client.create(customResourceDefinitions, made({ "api-approved.kubernetes.io": text }));
    const found = await until(name, (one) => condition(one, "KubernetesAPIApprovalPolicyConformant")[0] !== undefined);
    expect(condition(found, "KubernetesAPIApprovalPolicyConformant")).toEqual(expected);
  });
});

describe("deletion", () => {
  const cogs = resourceOf("cogs", "Cog");

  it("takes all objects with it, waits for those that wait, and lets nothing new in", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog" }));
    await until("cogs.example.com", isSo("Established", "True"));
    await client.create(cogs, { metadata: { name: "a" } });
    await client.create(cogs, { metadata: { name: "b", finalizers: ["example.com/hold"] } });
    const watched: string[] = [];
    const from = (await client.list(cogs)).metadata.resourceVersion ?? "";
    const watching = (async () => {
      for await (const batch of client.watch(cogs, { resourceVersion: from, signal: stop.signal }))
        for (const { type, object } of batch) watched.push(`${type} ${object.metadata.name ?? ""}`);
    })();
    await client.delete(customResourceDefinitions, "cogs.example.com");
    const going = await until("cogs.example.com", isSo("Terminating", "True"));
    expect(condition(going, "Terminating")).toEqual(["True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"]);
    await expect(client.create(cogs, { metadata: { name: "c" } })).rejects.toThrow("create not allowed while custom resource definition is terminating");
    // Still served, for those who have to let go of it.
    await client.patch(cogs, "b", { type: "merge", value: { metadata: { finalizers: null } } });
    await until("cogs.example.com", (found) => found === undefined);
    // The watch ends with the resource, after all that was to be told.
    await watching;
    expect(watched.filter((text) => text.startsWith("DELETED")).toSorted()).toEqual(["DELETED a", "DELETED b"]);
    await expect(client.list(cogs)).rejects.toSatisfy((error) => hasReason(error, "NotFound"));
  });

  it("is noticed by the garbage collector, which then watches no more", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog" }));
    await until("cogs.example.com", isSo("Established", "True"));
    const deps = { client, clock: systemClock, random: seededRandom(3), log: silentLogger, metrics: noMetrics };
    const factory = createInformerFactory({}, deps);
    const [begun, ended] = [latch(), latch()];
    const informers: InformerFactory = {
      ...factory,
      informer(resource, selection) {
        if (resource.resource === "cogs") begun.resolve();
        return factory.informer(resource, selection);
      },
      end(resource) {
        factory.end(resource);
        if (resource.resource === "cogs") ended.resolve();
      },
    };
    const collector = garbageCollector({ ...deps, informers, recorder: createEventRecorder({ ...deps, component: "test" }) }, { discoveryPeriodMs: 20 });
    const running = [runControllers([collector], { ...deps, informers }, stop.signal), informers.run(stop.signal)];
    await begun.promise;
    const informer = factory.informer(cogs);
    await informer.waitForSync(stop.signal);
    expect(informer.ended).toBe(false);
    await client.delete(customResourceDefinitions, "cogs.example.com");
    await ended.promise;
    expect(informer.ended).toBe(true);
    stop.abort();
    await Promise.all(running);
  });

  it("of objects whose stored version is not served", async () => {
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog" }, ["v1", "v2"]));
    const made = await until("cogs.example.com", isSo("Established", "True"));
    await client.create(cogs, { metadata: { name: "a" } });
    if (made === undefined) throw new Error("it was made");
    const [v1, v2] = made.spec.versions;
    if (v1 === undefined || v2 === undefined) throw new Error("it has two versions");
    await client.update(customResourceDefinitions, {
      ...made,
      spec: {
        ...made.spec,
        versions: [
          { ...v1, served: false },
          { ...v2, served: false },
        ],
      },
    });
    await client.delete(customResourceDefinitions, "cogs.example.com");
    await until("cogs.example.com", (found) => found === undefined);
    await client.create(customResourceDefinitions, definition({ plural: "cogs", kind: "Cog" }));
    await until("cogs.example.com", isSo("Established", "True"));
    expect((await client.list(cogs)).items).toEqual([]);
  });
});

describe("a changed schema", () => {
  it("shows in what was stored before, and ends watches", async () => {
    const cogs = resourceOf("cogs", "Cog");
    const withSpec = (properties: { readonly [name: string]: JSONSchemaProps }): Omit<CustomResourceDefinition, "apiVersion" | "kind"> => {
      const plain = definition({ plural: "cogs", kind: "Cog" });
      const [version] = plain.spec.versions;
      if (version === undefined) throw new Error("it has a version");
      const openAPIV3Schema: JSONSchemaProps = { type: "object", properties: { spec: { type: "object", properties } } };
      return { ...plain, spec: { ...plain.spec, versions: [{ ...version, schema: { openAPIV3Schema }, selectableFields: [{ jsonPath: ".spec.a" }] }] } };
    };
    await client.create(customResourceDefinitions, withSpec({ a: { type: "string" }, b: { type: "string" } }));
    const made = await until("cogs.example.com", isSo("Established", "True"));
    await client.create(cogs, { metadata: { name: "x" }, spec: { a: "1", b: "2" } } as never);
    await client.create(cogs, { metadata: { name: "y" }, spec: { b: "2" } } as never);
    const watching = (async () => {
      for await (const _ of client.watch(cogs, { resourceVersion: made?.metadata.resourceVersion ?? "", signal: stop.signal }));
    })();
    if (made === undefined) throw new Error("it was made");
    await client.update(customResourceDefinitions, { ...made, spec: withSpec({ a: { type: "string", default: "z" }, c: { type: "integer", default: 7 } }).spec });
    await watching;
    const specs = (items: readonly KubeObject[]): readonly unknown[] => items.map((item) => (item as KubeObject & { readonly spec: unknown }).spec);
    expect(specs((await client.list(cogs)).items)).toEqual([
      { a: "1", c: 7 },
      { a: "z", c: 7 },
    ]);
    // By what is shown, from an index too.
    expect((await client.list(cogs, { fieldSelector: "spec.a=z" })).items.map(({ metadata }) => metadata.name)).toEqual(["y"]);
  });
});

it.each([
  [[{ jsonPath: ".spec" }], 'spec.versions[0].selectableFields[0].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer'],
  [[{ jsonPath: ".nothing" }], 'selectableFields[0].jsonPath: Invalid value: ".nothing": is an invalid path'],
])("takes no selectable field %j", async (selectableFields, message) => {
  const plain = definition({ plural: "cogs", kind: "Cog" });
  await expect(
    client.create(customResourceDefinitions, { ...plain, spec: { ...plain.spec, versions: plain.spec.versions.map((version) => ({ ...version, selectableFields })) } }),
  ).rejects.toThrow(message);
});
