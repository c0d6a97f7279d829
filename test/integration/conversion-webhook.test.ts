import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { customResourceDefinitions } from "../../src/api/generated/resources.ts";
import type { CustomResourceDefinition } from "../../src/api/generated/types/apiextensions-v1.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Client } from "../../src/client/client.ts";
import { inProcessClient } from "../../src/client/in-process-client.ts";
import type { KubeObject } from "../../src/meta/object.ts";
import type { Resource } from "../../src/meta/resource.ts";
import { StatusError } from "../../src/meta/status-error.ts";
import { systemClock } from "../../src/platform/node/clock.ts";
import { nodeWebhookClient } from "../../src/platform/node/webhook-client.ts";
import { ServiceResolver } from "../../src/server/aggregation/resolve-service.ts";
import { CrdRegistrar } from "../../src/server/crd/registrar.ts";
import { type ConversionHost, hostConversions } from "./conversion-host.ts";
import { serveHttps, type ServedHttps } from "./served-https.ts";
import { admin, serveMemory } from "./served-memory.ts";

/** In v1 a cog has `size` and `teeth`, in v2 the same are `width` and `teeth`. */
interface Cog extends KubeObject {
  readonly spec: { readonly size?: number; readonly width?: number; readonly teeth?: number; readonly tone?: string };
  readonly status?: { readonly turns?: number };
}
const cogs = (version: string): Resource<Cog> => ({ group: "example.com", version, resource: "cogs", kind: "Cog", namespaced: true });
const [v1, v2] = [cogs("v1"), cogs("v2")];
const namespace = "default";

const schema = (length: string) => ({
  openAPIV3Schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: { [length]: { type: "integer" as const }, teeth: { type: "integer", default: 8 }, tone: { type: "string" } },
      },
      status: { type: "object", properties: { turns: { type: "integer" } } },
    },
  },
});
const versionOf = (name: string, length: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: schema(length),
  subresources: { status: {}, scale: { specReplicasPath: ".spec.teeth", statusReplicasPath: ".status.turns" } },
  selectableFields: [{ jsonPath: `.spec.${length}` }],
});

const rename = (object: Record<string, unknown>, desired: string): Record<string, unknown> => {
  const { size, width, ...spec } = (object["spec"] ?? {}) as Record<string, unknown>;
  const length = size ?? width;
  return { ...object, spec: { ...spec, ...(length === undefined ? {} : { [desired === "example.com/v1" ? "size" : "width"]: length }) } };
};

describe("a definition with a conversion webhook", () => {
  let client: Client;
  let host: ConversionHost;
  let served: Awaited<ReturnType<typeof serveMemory>>;
  let https: ServedHttps;
  let scratch: string;
  const stop = new AbortController();

  const kubectl = (args: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const common = ["--server", `https://127.0.0.1:${https.port}`, "--certificate-authority", join(scratch, "ca.crt"), "--cache-dir", join(scratch, "cache"), "--token", "x"];
      execFile("kubectl", [...common, ...args], { env: { PATH: process.env["PATH"] ?? "", HOME: scratch, KUBECONFIG: join(scratch, "none") } }, (_, out, err) =>
        resolve(out + err),
      );
    });

  /** Changes the definition and waits until it is served like this. */
  const define = async (change: (spec: CustomResourceDefinition["spec"]) => CustomResourceDefinition["spec"]): Promise<void> => {
    const generation = served.api.parts.table.generation;
    const changed = new Promise<void>((resolve) => {
      const off = served.api.parts.table.onChange(() => {
        const all = served.api.parts.table.all().filter(({ resource }) => resource.resource === "cogs");
        if (served.api.parts.table.generation <= generation || all.length < 2) return;
        off();
        resolve();
      });
    });
    const live = await client.get(customResourceDefinitions, "cogs.example.com");
    await client.update(customResourceDefinitions, { ...live, spec: change(live.spec) });
    await changed;
  };

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "keles-conversion-"));
    host = await hostConversions(rename);
    served = await serveMemory();
    https = await serveHttps(served.api);
    writeFileSync(join(scratch, "ca.crt"), https.ca);
    client = inProcessClient(served.api.handle, admin);
    void new CrdRegistrar({ ...served.api.parts, client, clock: systemClock, log: silentLogger, webhooks: nodeWebhookClient, services: new ServiceResolver(served.api.parts) }).run(
      stop.signal,
    );
    const { metadata } = await client.create(customResourceDefinitions, {
      metadata: { name: "cogs.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "cogs", kind: "Cog", listKind: "CogList" },
        conversion: { strategy: "Webhook", webhook: { clientConfig: host.clientConfig, conversionReviewVersions: ["v1"] } },
        versions: [versionOf("v1", "size", true), versionOf("v2", "width", false)],
      },
    });
    const watch = new AbortController();
    for await (const batch of client.watch(customResourceDefinitions, { resourceVersion: metadata.resourceVersion ?? "0", signal: watch.signal })) {
      if (batch.some(({ object }) => object.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true)) watch.abort();
    }
  });
  afterAll(async () => {
    stop.abort();
    await https.close();
    await served.stop();
    await host.close();
    rmSync(scratch, { recursive: true });
  });
  beforeEach(async () => {
    for (const { metadata } of (await client.list(v1, { namespace })).items) await client.delete(v1, metadata.name ?? "", { namespace });
    host.calls.length = 0;
  });

  const stored = (name: string): string =>
    new TextDecoder().decode(served.api.parts.table.get("example.com", "v1", "cogs")?.storage?.cache.get(`/registry/example.com/cogs/default/${name}`)?.stored);

  it("stores the storage version and serves both", async () => {
    await client.create(v1, { metadata: { name: "a" }, spec: { size: 3 } }, { namespace });
    expect(host.calls).toEqual([]);
    expect((await client.get(v2, "a", { namespace })).spec).toEqual({ width: 3, teeth: 8 });
    expect((await client.get(v2, "a", { namespace })).apiVersion).toBe("example.com/v2");
    // Asked once, then kept.
    expect(host.calls).toEqual([1]);
    await client.create(v2, { metadata: { name: "b" }, spec: { width: 4 } }, { namespace });
    expect((await client.get(v1, "b", { namespace })).spec).toEqual({ size: 4, teeth: 8 });
    expect(stored("b")).toContain('"apiVersion":"example.com/v1"');
    expect((JSON.parse(stored("b")) as Cog).spec).toEqual({ size: 4, teeth: 8 });
  });

  it("lists many in few calls, and selects by fields of the version that is asked for", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => client.create(v1, { metadata: { name: `c${index}` }, spec: { size: index % 3 } }, { namespace })));
    const all = await client.list(v2, { namespace });
    expect(all.items.map(({ spec }) => spec.size)).toEqual(Array.from({ length: 30 }, () => undefined));
    expect(host.calls).toEqual([30]);
    expect((await client.list(v2, { namespace, fieldSelector: "spec.width=1" })).items).toHaveLength(10);
    expect((await client.list(v1, { namespace, fieldSelector: "spec.size=1", limit: 4 })).items).toHaveLength(4);
    await expect(client.list(v1, { namespace, fieldSelector: "spec.width=1" })).rejects.toThrow("field label not supported: spec.width");
    expect(host.calls).toEqual([30]);
  });

  it("updates, patches, scales and writes status through either version", async () => {
    const made = await client.create(v1, { metadata: { name: "a" }, spec: { size: 3 } }, { namespace });
    const wider = await client.update(v2, { ...made, apiVersion: "example.com/v2", spec: { width: 5, teeth: 9 } }, { namespace });
    expect(wider.spec).toEqual({ width: 5, teeth: 9 });
    expect(wider.metadata.generation).toBe(2);
    await client.patch(v2, "a", { type: "merge", value: { spec: { tone: "low" } } }, { namespace });
    await client.patch(v2, "a", { type: "merge", value: { status: { turns: 2 } } }, { namespace, subresource: "status" });
    const path = "/apis/example.com/v2/namespaces/default/cogs/a/scale";
    expect(await client.raw("GET", path)).toMatchObject({ spec: { replicas: 9 }, status: { replicas: 2 } });
    const read = await client.get(v1, "a", { namespace });
    expect(read.spec).toEqual({ size: 5, teeth: 9, tone: "low" });
    expect(read.status).toEqual({ turns: 2 });
    // What changes nothing is not written.
    const same = await client.update(v2, await client.get(v2, "a", { namespace }), { namespace });
    expect(same.metadata.resourceVersion).toBe(read.metadata.resourceVersion);
  });

  it("watches in each version", async () => {
    const seen: unknown[] = [];
    const watch = new AbortController();
    const from = (await client.list(v2, { namespace })).metadata.resourceVersion ?? "";
    const watching = (async () => {
      for await (const batch of client.watch(v2, { namespace, resourceVersion: from, fieldSelector: "spec.width!=9", signal: watch.signal })) {
        for (const { type, object } of batch) seen.push([type, object.apiVersion, object.spec]);
        if (seen.length >= 3) watch.abort();
      }
    })();
    await client.create(v1, { metadata: { name: "w" }, spec: { size: 1 } }, { namespace });
    await client.patch(v1, "w", { type: "merge", value: { spec: { size: 2 } } }, { namespace });
    await client.patch(v1, "w", { type: "merge", value: { spec: { size: 9 } } }, { namespace });
    await watching;
    expect(seen).toEqual([
      ["ADDED", "example.com/v2", { width: 1, teeth: 8 }],
      ["MODIFIED", "example.com/v2", { width: 2, teeth: 8 }],
      // As it was when it left the selection.
      ["DELETED", "example.com/v2", { width: 2, teeth: 8 }],
    ]);
  });

  it("applies across versions, with conflicts where fields are the same by another name", async () => {
    const apply = (resource: Resource<Cog>, fieldManager: string, spec: Cog["spec"], force = false): Promise<Cog> =>
      client.patch(
        resource,
        "s",
        { type: "apply", value: { apiVersion: `example.com/${resource.version}`, kind: "Cog", metadata: { name: "s", namespace }, spec }, force },
        { namespace, fieldManager },
      );
    await apply(v1, "one", { size: 1, tone: "low" });
    await expect(apply(v2, "two", { width: 2 })).rejects.toThrow('Apply failed with 1 conflict: conflict with "one": .spec.size');
    await expect(apply(v2, "two", { width: 1, teeth: 4 }, true)).resolves.toMatchObject({ spec: { width: 1, teeth: 4, tone: "low" } });
    // The same manager in another version owns what it owned: what it leaves out goes.
    const left = await apply(v2, "one", { width: 1 });
    expect(left.spec).toEqual({ width: 1, teeth: 4 });
    // They stand in the order of their times: a second may have begun in between.
    const entries = new Map(left.metadata.managedFields?.map(({ manager, apiVersion, fieldsV1 }) => [manager, { apiVersion, fieldsV1 }]));
    expect(Object.fromEntries(entries)).toEqual({
      one: { apiVersion: "example.com/v2", fieldsV1: { "f:spec": { "f:width": {} } } },
      two: { apiVersion: "example.com/v2", fieldsV1: { "f:spec": { "f:teeth": {}, "f:width": {} } } },
    });
  });

  it.each([
    ["a different number", (r) => ({ ...r, convertedObjects: [] }), "conversion webhook for example.com/v1, Kind=Cog returned 0 objects, expected 1"],
    ["another uid", (r) => ({ ...r, uid: "x" }), /^conversion webhook for example.com\/v1, Kind=Cog failed: expected response.uid="[0-9a-f-]+", got "x"$/],
    ["a refusal", (r) => ({ ...r, result: { status: "Failed", message: "too old" } }), "conversion webhook for example.com/v1, Kind=Cog failed: too old"],
    ["no result", (r) => ({ ...r, result: {} }), "conversion webhook for example.com/v1, Kind=Cog failed: response.result.status was '', not 'Success'"],
    [
      "the wrong version",
      ({ convertedObjects: [one], ...r }) => ({ ...r, convertedObjects: [{ ...one, apiVersion: "example.com/v3" }] }),
      "conversion webhook for example.com/v1, Kind=Cog returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)",
    ],
    [
      "another name",
      ({ convertedObjects: [one], ...r }) => ({ ...r, convertedObjects: [{ ...one, metadata: { ...one?.metadata, name: "z" } }] }),
      "conversion webhook for example.com/v1, Kind=Cog returned invalid object: must have the same name: bad != z",
    ],
    [
      "bad labels",
      ({ convertedObjects: [one], ...r }) => ({ ...r, convertedObjects: [{ ...one, metadata: { ...one?.metadata, labels: { x: 1 } } }] }),
      "conversion webhook for example.com/v1, Kind=Cog returned invalid metadata: metadata.labels[x] must be a string, but is int64 in converted object",
    ],
  ] as readonly [string, (response: { convertedObjects: KubeObject[] }) => Record<string, unknown>, string | RegExp][])("refuses an answer with %s", async (_, spoil, message) => {
    await client.create(v1, { metadata: { name: "bad" }, spec: { size: 1 } }, { namespace });
    host.spoil = spoil as unknown as NonNullable<ConversionHost["spoil"]>;
    const error = await client.get(v2, "bad", { namespace }).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    host.spoil = undefined;
    expect(error).toBeInstanceOf(StatusError);
    if (error instanceof StatusError) {
      expect(error.message).toMatch(message);
      expect([error.status.code, error.status.reason]).toEqual([500, undefined]);
    }
    expect((await client.get(v2, "bad", { namespace })).spec.width).toBe(1);
  });

  it("lets labels and annotations change, and nothing else of the metadata", async () => {
    await client.create(v1, { metadata: { name: "m", finalizers: ["example.com/hold"], labels: { a: "1" } }, spec: { size: 1 } }, { namespace });
    host.spoil = (response) => {
      const [object] = response["convertedObjects"] as [KubeObject];
      const { finalizers: _, ...metadata } = object.metadata;
      return { ...response, convertedObjects: [{ ...object, metadata: { ...metadata, generation: 77, labels: { b: "2" }, annotations: { c: "3" } } }] };
    };
    const { metadata } = await client.get(v2, "m", { namespace });
    host.spoil = undefined;
    expect(metadata).toMatchObject({ finalizers: ["example.com/hold"], generation: 1, labels: { b: "2" }, annotations: { c: "3" } });
    await client.patch(v1, "m", { type: "merge", value: { metadata: { finalizers: null } } }, { namespace });
  });

  it("keeps the stored version within reach while the webhook is dead", async () => {
    await client.create(v1, { metadata: { name: "d" }, spec: { size: 1 } }, { namespace });
    const from = (await client.list(v1, { namespace })).metadata.resourceVersion ?? "";
    await host.die();
    const dead =
      /^conversion webhook for example.com\/v1, Kind=Cog failed: Post "https:\/\/127\.0\.0\.1:\d+\/convert\?timeout=30s": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/;
    await expect(client.get(v2, "d", { namespace })).rejects.toThrow(dead);
    await expect(client.list(v2, { namespace })).rejects.toThrow(dead);
    await expect(client.delete(v2, "d", { namespace })).rejects.toThrow(dead);
    expect((await client.get(v1, "d", { namespace })).spec.size).toBe(1);
    const watched: unknown[] = [];
    const watching = (async () => {
      for await (const batch of client.watch(v2, { namespace, resourceVersion: from, signal: stop.signal })) watched.push(...batch.map(({ type }) => type));
    })();
    await client.patch(v1, "d", { type: "merge", value: { spec: { size: 2 } } }, { namespace });
    await expect(watching).rejects.toThrow(dead);
    expect(watched).toEqual([]);
    expect(await kubectl(["get", "cogs.v2.example.com"])).toMatch(/^Error from server: conversion webhook for example\.com\/v1, Kind=Cog failed: Post/);
    await host.revive();
    await define((spec) => ({
      ...spec,
      conversion: { strategy: "Webhook", webhook: { clientConfig: host.clientConfig, conversionReviewVersions: ["v1"] } },
      preserveUnknownFields: false,
    }));
    expect((await client.get(v2, "d", { namespace })).spec.width).toBe(2);
  });

  it("is seen the same by kubectl", async () => {
    const file = join(scratch, "cog.json");
    const write = (version: string, spec: object): void =>
      writeFileSync(file, JSON.stringify({ apiVersion: `example.com/${version}`, kind: "Cog", metadata: { name: "k" }, spec }));
    write("v1", { size: 7 });
    expect(await kubectl(["apply", "-f", file])).toBe("cog.example.com/k created\n");
    expect(await kubectl(["get", "cogs.v2.example.com", "k", "-o", "jsonpath={.apiVersion} {.spec.width}"])).toBe("example.com/v2 7");
    write("v2", { width: 8 });
    expect(await kubectl(["apply", "--server-side", "--force-conflicts", "-f", file])).toBe("cog.example.com/k serverside-applied\n");
    expect(await kubectl(["get", "cogs.v1.example.com", "k", "-o", "jsonpath={.spec.size}"])).toBe("8");
    expect(await kubectl(["scale", "cogs.v2.example.com/k", "--replicas=3"])).toBe("cog.example.com/k scaled\n");
    expect(await kubectl(["get", "cogs.v1.example.com", "k", "-o", "jsonpath={.spec.teeth}"])).toBe("3");
    expect(await kubectl(["explain", "cogs.spec.width", "--api-version", "example.com/v2"])).toContain("FIELD: width <integer>");
    expect(await kubectl(["explain", "cogs.spec.width", "--api-version", "example.com/v1"])).toContain('field "width" does not exist');
    expect(await kubectl(["delete", "cogs.v2.example.com", "k"])).toMatch(/^cog\.example\.com "k" deleted/);
  });

  it("reads what an older storage version left, and keeps that version in the definition", async () => {
    await client.create(v1, { metadata: { name: "old" }, spec: { size: 6 } }, { namespace });
    await define((spec) => ({ ...spec, versions: [versionOf("v1", "size", false), versionOf("v2", "width", true)] }));
    const definition = await client.get(customResourceDefinitions, "cogs.example.com");
    expect(definition.status?.storedVersions).toEqual(["v1", "v2"]);
    expect(stored("old")).toContain("example.com/v1");
    expect((await client.get(v2, "old", { namespace })).spec.width).toBe(6);
    await expect(
      client.update(customResourceDefinitions, { ...definition, spec: { ...definition.spec, conversion: { strategy: "None" }, versions: definition.spec.versions.slice(1) } }),
    ).rejects.toThrow('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions');
    // A write that changes nothing brings it to the new version.
    await client.update(v2, await client.get(v2, "old", { namespace }), { namespace });
    expect(stored("old")).toContain("example.com/v2");
    expect((await client.get(v1, "old", { namespace })).spec.size).toBe(6);
  });
});
