import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMaps } from "../../src/api/generated/resources.ts";
import { decodeMessage } from "../../src/api/wire/decode-message.ts";
import { openEnvelope, readEnvelope, sealEnvelope } from "../../src/api/wire/envelope.ts";
import { Reader } from "../../src/api/wire/reader.ts";
import type { ApiRequest, ApiResponse } from "../../src/meta/wire.ts";
import { serveCluster, type ServedCluster } from "./served-cluster.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const partial = (kind: string): string => `${PROTOBUF};as=${kind};g=meta.k8s.io;v=v1`;
let cluster: ServedCluster;
const stop = new AbortController();

beforeAll(async () => {
  cluster = await serveCluster();
  for (const name of ["a", "b"]) await cluster.admin.create(configMaps, { metadata: { name, namespace: "default", labels: { test: "protobuf" } }, data: { key: name } });
});
afterAll(async () => {
  stop.abort();
  await cluster.stop();
});

function send(method: ApiRequest["method"], url: string, accept: string, body?: Uint8Array): Promise<ApiResponse> {
  const [path = "", query = ""] = url.split("?");
  return cluster.api.handle(
    {
      method,
      path,
      query,
      headers: { accept, ...(body === undefined ? {} : { "content-type": PROTOBUF }) },
      body: body === undefined ? { type: "none" } : { type: "bytes", read: () => Promise.resolve(body) },
      caller: {
        type: "network",
        address: "192.0.2.1",
        upgradable: false,
        certificate: { commonName: "root", organizations: ["system:masters"], fingerprint: "ab", notAfter: Number.MAX_SAFE_INTEGER },
      },
    },
    stop,
  );
}

async function ask(url: string, accept: string): Promise<{ readonly status: number; readonly type: string; readonly bytes: Uint8Array }> {
  const { status, body } = await send("GET", url, accept);
  if (body.type !== "bytes") throw new Error(`answered with ${body.type}`);
  return { status, type: body.contentType, bytes: new Uint8Array(Buffer.concat(body.chunks)) };
}

const CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap";
const maps = "/api/v1/namespaces/default/configmaps";

describe("answers in protobuf", () => {
  it("reads an object", async () => {
    const { status, type, bytes } = await ask(`${maps}/a`, PROTOBUF);
    expect([status, type]).toEqual([200, PROTOBUF]);
    const json = await cluster.ask("GET", `${maps}/a`, { as: { name: "root", groups: ["system:masters"] } });
    expect(readEnvelope(CONFIG_MAP, bytes)).toEqual(json.body);
  });

  it("lists objects, and again the same bytes", async () => {
    const url = `${maps}?labelSelector=test%3Dprotobuf`;
    const { bytes } = await ask(url, `${PROTOBUF}, application/json`);
    const list = readEnvelope(`${CONFIG_MAP}List`, bytes);
    expect(list).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: expect.stringMatching(/^\d+$/) } });
    expect(list["items"]).toMatchObject([{ data: { key: "a" } }, { data: { key: "b" } }]);
    expect((await ask(url, PROTOBUF)).bytes).toEqual(bytes);
  });

  it("pages", async () => {
    const { bytes } = await ask(`${maps}?limit=1`, PROTOBUF);
    const { metadata } = decodeMessage(`${CONFIG_MAP}List`, openEnvelope(bytes).raw) as { readonly metadata: { readonly continue: string; readonly remainingItemCount: number } };
    expect(metadata.remainingItemCount).toBeGreaterThan(0);
    expect(metadata.continue).not.toBe("");
  });

  it("shows metadata alone", async () => {
    const one = readEnvelope(`${META}PartialObjectMetadata`, (await ask(`${maps}/a`, partial("PartialObjectMetadata"))).bytes);
    expect(one).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a", labels: { test: "protobuf" } } });
    const list = readEnvelope(`${META}PartialObjectMetadataList`, (await ask(`${maps}?labelSelector=test%3Dprotobuf`, partial("PartialObjectMetadataList"))).bytes);
    expect(list).toMatchObject({ kind: "PartialObjectMetadataList", items: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }] });
  });

  it("writes and answers", async () => {
    const body = sealEnvelope(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "made" }, data: { x: "y" } } as { apiVersion: string; kind: string });
    const answer = await send("POST", maps, PROTOBUF, body);
    expect(answer.status).toBe(201);
    if (answer.body.type !== "bytes") throw new Error("no bytes");
    expect(readEnvelope(CONFIG_MAP, Buffer.concat(answer.body.chunks))).toMatchObject({ metadata: { name: "made" }, data: { x: "y" } });
    const gone = await send("DELETE", `${maps}/made`, PROTOBUF);
    if (gone.body.type !== "bytes") throw new Error("no bytes");
    expect(readEnvelope(`${META}Status`, Buffer.concat(gone.body.chunks))).toMatchObject({ kind: "Status", status: "Success", details: { name: "made" } });
  });

  it("fails in protobuf", async () => {
    const { status, type, bytes } = await ask(`${maps}/none`, PROTOBUF);
    expect([status, type]).toEqual([404, PROTOBUF]);
    expect(readEnvelope(`${META}Status`, bytes)).toMatchObject({ kind: "Status", apiVersion: "v1", reason: "NotFound", code: 404, details: { name: "none", kind: "configmaps" } });
  });

  it("has no tables", async () => {
    expect((await ask(maps, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`)).status).toBe(406);
  });

  it("tells what is served", async () => {
    const { bytes } = await ask("/api/v1", PROTOBUF);
    expect(readEnvelope(`${META}APIResourceList`, bytes)).toMatchObject({
      kind: "APIResourceList",
      groupVersion: "v1",
      resources: expect.arrayContaining([expect.objectContaining({ name: "pods", verbs: expect.arrayContaining(["list"]) })]),
    });
  });
});

/** The events of a watch: type and envelope. */
async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly type: string; readonly object: Uint8Array }> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const size = new DataView(chunk.buffer, chunk.byteOffset + at).getUint32(0);
      const reader = new Reader(chunk, at + 4, at + 4 + size);
      expect(reader.varint()).toBe(0x0a);
      const type = reader.text();
      expect(reader.varint()).toBe(0x12);
      const extension = reader.message();
      expect(extension.varint()).toBe(0x0a);
      yield { type, object: extension.bytes() };
      at += 4 + size;
    }
  }
}

it("watches in frames of protobuf", async () => {
  const { body } = await send("GET", `${maps}?watch=1&labelSelector=test%3Dprotobuf&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, PROTOBUF);
  if (body.type !== "stream") throw new Error(`answered with ${body.type}`);
  expect(body.contentType).toBe(`${PROTOBUF};stream=watch`);
  const events = eventsOf(body.chunks);
  const next = async (): Promise<readonly [string, Record<string, unknown>]> => {
    const { value } = (await events.next()) as { value: { type: string; object: Uint8Array } };
    return [value.type, readEnvelope(CONFIG_MAP, value.object)];
  };
  expect(await next()).toMatchObject(["ADDED", { kind: "ConfigMap", metadata: { name: "a" } }]);
  expect(await next()).toMatchObject(["ADDED", { data: { key: "b" } }]);
  expect(await next()).toMatchObject(["BOOKMARK", { kind: "ConfigMap", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } }]);
  await cluster.admin.delete(configMaps, "b", { namespace: "default" });
  expect(await next()).toMatchObject(["DELETED", { metadata: { name: "b" } }]);
  await events.return(undefined);
});
