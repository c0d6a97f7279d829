import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../meta/object.ts";
import { CacheEntry, encodeForStore } from "./cache-entry.ts";

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const stored = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"}}';
const metadata = { name: "a", labels: { x: "y" } };

describe("encodeForStore", () => {
  it.each<[string, object]>([
    ["as it is stored", { apiVersion: "v1", kind: "ConfigMap", metadata, data: { k: "v" } }],
    ["in another order", { metadata, data: { k: "v" }, kind: "ConfigMap", apiVersion: "v1" }],
    ["with the data first", { data: { k: "v" }, apiVersion: "v1", kind: "ConfigMap", metadata }],
    ["with a version", { apiVersion: "v1", kind: "ConfigMap", metadata: { resourceVersion: "7", ...metadata }, data: { k: "v" } }],
    ["with fields that are not set", { apiVersion: "v1", kind: "ConfigMap", metadata: { ...metadata, resourceVersion: undefined }, data: { k: "v" }, immutable: undefined }],
  ])("writes an object that comes %s", (_how, object) => {
    expect(textOf(encodeForStore(object as KubeObject))).toBe(stored);
  });

  it("shows a version where there is none in the bytes, whatever the order was", () => {
    const entry = new CacheEntry("/registry/configmaps/default/a", encodeForStore({ kind: "ConfigMap", apiVersion: "v1", metadata: {} } as KubeObject), 9);
    expect(textOf(entry.json)).toBe('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"resourceVersion":"9"}}');
    expect(entry.object.metadata.resourceVersion).toBe("9");
  });
});

describe("an entry's object", () => {
  const parts = (object: KubeObject): unknown[] => [object, object.metadata, object.metadata.labels, (object as KubeObject & { readonly data?: unknown }).data];
  const make = (): KubeObject => JSON.parse(stored) as KubeObject;
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

  it.each<[string, Uint8Array]>([
    ["that was written", encodeForStore(make())],
    ["that was frozen on the outside alone", encodeForStore(Object.freeze(make()))],
    ["that is read", bytesOf(stored)],
  ])("%s is frozen all the way down", (_what, bytes) => {
    for (const revision of [0, 5]) for (const part of parts(new CacheEntry("/k", bytes, revision).object)) expect(part).toSatisfy(Object.isFrozen);
  });
});
