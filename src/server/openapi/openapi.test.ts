import { describe, expect, it } from "vitest";
import { configMaps } from "../../api/generated/resources.ts";
import { Reader } from "../../api/wire/reader.ts";
import { silentLogger } from "../../base/log.ts";
import { VirtualClock } from "../../base/virtual-clock.ts";
import type { ApiRequest, ApiResponse } from "../../meta/wire.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { StateCache } from "../cache/state-cache.ts";
import { requestInfo } from "../request-info.ts";
import { builtinTable, type ResourceTable } from "../resources/resource-table.ts";
import { openApiPaths } from "./openapi.ts";

type Json = { readonly [key: string]: Json } & { readonly length?: number };

function tableOf(): ResourceTable {
  return builtinTable({ kinds: [], conversions: [] }, new StateCache({ store: new MemoryStore(), clock: new VirtualClock({ turn: () => Promise.resolve() }), log: silentLogger }));
}
function serve(table: ResourceTable = tableOf()): (url: string, headers?: ApiRequest["headers"]) => Promise<ApiResponse | undefined> {
  const handler = openApiPaths({ version: "v1.36.0" }, { table, clock: { now: () => 0 } });
  return async (url, headers = {}) => {
    const [path = "", query = ""] = url.split("?");
    const request: ApiRequest = { method: "GET", path, query, headers, body: { type: "none" }, caller: { type: "network", address: "", upgradable: false } };
    const params = new URLSearchParams(query);
    const info = requestInfo("GET", path, params);
    if (info === undefined) throw new Error("path");
    return handler(request, info, params, { name: "a", groups: [] });
  };
}
function bytesOf(response: ApiResponse | undefined): Uint8Array {
  if (response?.body.type !== "bytes") throw new Error(`no bytes: ${response?.status ?? "nothing"}`);
  const [chunk] = response.body.chunks;
  if (chunk === undefined) throw new Error("empty");
  return chunk;
}
const jsonOf = (response: ApiResponse | undefined): Json => JSON.parse(new TextDecoder().decode(bytesOf(response))) as Json;

describe("OpenAPI v3", () => {
  const ask = serve();

  it("lists its documents with their hashes", async () => {
    const { paths } = jsonOf(await ask("/openapi/v3"));
    expect(Object.keys(paths ?? {})).toEqual(expect.arrayContaining(["api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version", "openid/v1/jwks"]));
    expect(paths?.["apis/apps/v1"]?.["serverRelativeURL"]).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{16}$/);
  });

  it("describes a kind with its keys, merge strategies and references", async () => {
    const { components } = jsonOf(await ask("/openapi/v3/apis/apps/v1"));
    const schemas = components?.["schemas"];
    expect(schemas?.["io.k8s.api.core.v1.PodSpec"]?.["properties"]?.["containers"]).toEqual({
      items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
      type: "array",
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
    // Nothing may stand beside a reference.
    expect(schemas?.["io.k8s.api.apps.v1.DeploymentSpec"]?.["properties"]?.["strategy"]).toEqual({
      allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy" }],
      "x-kubernetes-patch-strategy": "retainKeys",
    });
    expect(schemas?.["io.k8s.api.apps.v1.Deployment"]?.["x-kubernetes-group-version-kind"]).toEqual([{ group: "apps", kind: "Deployment", version: "v1" }]);
    const text = JSON.stringify(components);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(schemas).toHaveProperty([name ?? ""]);
  });

  it("tells kubectl what a patch takes", async () => {
    const { paths } = jsonOf(await ask("/openapi/v3/apis/apps/v1"));
    const patch = paths?.["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.["patch"];
    expect(patch?.["operationId"]).toBe("patchAppsV1NamespacedDeployment");
    expect(Object.keys(patch?.["requestBody"]?.["content"] ?? {})).toContain("application/apply-patch+yaml");
    expect(patch?.["parameters"]).toMatchObject(["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => ({ name, in: "query" })));
  });

  it("keeps a document for ever under its hash and sends other hashes on", async () => {
    const plain = await ask("/openapi/v3/api/v1");
    const etag = String(plain?.headers["etag"]);
    expect(await ask("/openapi/v3/api/v1", { "if-none-match": etag })).toMatchObject({ status: 304, body: { type: "empty" } });
    const hash = etag.slice(1, -1);
    expect((await ask(`/openapi/v3/api/v1?hash=${hash}`))?.headers["cache-control"]).toBe("public, immutable");
    expect(await ask("/openapi/v3/api/v1?hash=0")).toMatchObject({ status: 301, headers: { location: `/openapi/v3/api/v1?hash=${hash}` } });
    expect(await ask("/openapi/v3/apis/none/v1")).toBeUndefined();
  });
});

describe("custom resources", () => {
  const resource = { group: "stable.example.com", version: "v1", resource: "crontabs", kind: "CronTab", namespaced: true };

  it("come with their published schema, and change only their own document", async () => {
    const table = tableOf();
    const ask = serve(table);
    const before = jsonOf(await ask("/openapi/v3"))["paths"];
    const like = table.get(configMaps.group, configMaps.version, configMaps.resource);
    if (like === undefined) throw new Error("no config maps");
    const published = { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer", nullable: true } } } } };
    table.set({ ...like, resource, apiVersion: "stable.example.com/v1", schema: { type: "object" }, definition: { resource }, published });
    const after = jsonOf(await ask("/openapi/v3"))["paths"];
    expect(Object.keys(after ?? {}).filter((key) => JSON.stringify(after?.[key]) !== JSON.stringify(before?.[key]))).toEqual([
      "apis/stable.example.com",
      "apis/stable.example.com/v1",
    ]);
    const v3 = jsonOf(await ask("/openapi/v3/apis/stable.example.com/v1"));
    const name = "com.example.stable.v1.CronTab";
    expect(v3["components"]?.["schemas"]?.[name]).toMatchObject({
      properties: { spec: { properties: { size: { type: "integer", nullable: true } } }, metadata: { allOf: [{}] } },
      "x-kubernetes-group-version-kind": [{ group: "stable.example.com", kind: "CronTab", version: "v1" }],
    });
    const path = v3["paths"]?.["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"];
    expect(path?.["patch"]?.["operationId"]).toBe("patchStableExampleComV1NamespacedCronTab");
    expect(Object.keys(path?.["patch"]?.["requestBody"]?.["content"] ?? {})).not.toContain("application/strategic-merge-patch+json");
    const v2 = jsonOf(await ask("/openapi/v2"));
    expect(v2["definitions"]?.[name]?.["properties"]?.["spec"]).toEqual({ type: "object", properties: { size: {} } });
  });
});

describe("OpenAPI v2", () => {
  const ask = serve();

  it("answers JSON, protobuf under both names, and nothing else", async () => {
    const json = await ask("/openapi/v2", { accept: "application/json" });
    expect(json?.body).toMatchObject({ contentType: "application/json" });
    for (const accept of ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"])
      expect((await ask("/openapi/v2", { accept }))?.body).toMatchObject({ contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" });
    await expect(ask("/openapi/v2", { accept: "text/html" })).rejects.toThrow("only the following media types are accepted");
  });

  it("says the same in protobuf as in JSON", async () => {
    const document = jsonOf(await ask("/openapi/v2"));
    const pairs = (reader: Reader, field: number): Map<string, Uint8Array> => {
      const found = new Map<string, Uint8Array>();
      for (const [key, inner] of fieldsOf(reader)) {
        if (key !== field) continue;
        const entry = new Map(fieldsOf(new Reader(inner)));
        found.set(new TextDecoder().decode(entry.get(1)), entry.get(2) ?? new Uint8Array());
      }
      return found;
    };
    const top = new Map(fieldsOf(new Reader(bytesOf(await ask("/openapi/v2", { accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" })))));
    const paths = pairs(new Reader(top.get(8) ?? new Uint8Array()), 2);
    expect([...paths.keys()]).toEqual(Object.keys(document["paths"] ?? {}));
    const definitions = pairs(new Reader(top.get(9) ?? new Uint8Array()), 1);
    expect([...definitions.keys()]).toEqual(Object.keys(document["definitions"] ?? {}));
    const container = new Map(fieldsOf(new Reader(definitions.get("io.k8s.api.core.v1.PodSpec") ?? new Uint8Array())));
    const properties = pairs(new Reader(container.get(25) ?? new Uint8Array()), 1);
    const extensions = pairs(new Reader(properties.get("containers") ?? new Uint8Array()), 31);
    const yaml = new Map(fieldsOf(new Reader(extensions.get("x-kubernetes-list-map-keys") ?? new Uint8Array()))).get(2);
    expect(new TextDecoder().decode(yaml)).toBe('["name"]\n');
  });
});

/** Length-delimited fields of a message. */
function* fieldsOf(reader: Reader): Generator<readonly [number, Uint8Array]> {
  while (!reader.done) {
    const tag = reader.varint();
    if (tag % 8 === 2) yield [tag >>> 3, reader.bytes()];
    else reader.skip(tag % 8);
  }
}
