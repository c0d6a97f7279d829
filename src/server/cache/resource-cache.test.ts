import { describe, expect, it } from "vitest";
import { encodeForStore } from "./cache-entry.ts";
import { ResourceCache } from "./resource-cache.ts";

const prefix = "/registry/pods/";
const bytesOf = (name: string, node: string | undefined): Uint8Array =>
  encodeForStore({ apiVersion: "v1", kind: "Pod", metadata: { name, ...(node === undefined ? {} : { labels: { node } }) } });

describe("ResourceCache", () => {
  it("files an object under what its index says of its newest version", () => {
    const cache = new ResourceCache(prefix, { node: ({ metadata }) => metadata.labels?.["node"] });
    const filed = (node: string): string[] => [...(cache.indexed("node", node)?.entries() ?? [])].map(([key, entry]) => `${key.slice(prefix.length)}@${entry.revision}`);
    let revision = 0;
    const steps: readonly (readonly [name: string, node: string | undefined, x: readonly string[], y: readonly string[]])[] = [
      ["a", undefined, [], []],
      ["b", "x", ["b@2"], []],
      ["a", "x", ["a@3", "b@2"], []],
      ["a", "x", ["a@4", "b@2"], []],
      ["b", "y", ["a@4"], ["b@5"]],
      ["a", undefined, [], ["b@5"]],
    ];
    for (const [name, node, x, y] of steps) {
      const stored = bytesOf(name, node);
      cache.put(prefix + name, stored, ++revision);
      expect([filed("x"), filed("y")]).toEqual([x, y]);
    }
    expect([cache.size, cache.bytes]).toEqual([2, bytesOf("a", undefined).length + bytesOf("b", "y").length]);
    cache.delete(`${prefix}b`, ++revision);
    expect([filed("y"), cache.size, cache.bytes]).toEqual([[], 1, bytesOf("a", undefined).length]);
  });
});
