import { expect, it } from "vitest";
import { template } from "./sample-objects.ts";
import { hashOf, withoutHashLabel } from "./template-hash.ts";

it("is the same whatever the order of keys, and for what is undefined", () => {
  expect(hashOf({ a: 1, b: { c: [1, 2], d: "x" } })).toBe(hashOf({ b: { d: "x", c: [1, 2], e: undefined }, a: 1 }));
});

it("never changes between releases", () => {
  expect(hashOf(template("web:1"))).toMatchInlineSnapshot(`"5c4dc9cf47"`);
  expect(hashOf(template("web:1"), 1)).toMatchInlineSnapshot(`"796989747d"`);
});

it("differs for another template and another collision count", () => {
  const hashes = [hashOf(template("a")), hashOf(template("b")), hashOf(template("a"), 1), hashOf(template("a"), 2)];
  expect(new Set(hashes).size).toBe(4);
  for (const hash of hashes) expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
});

it("takes the label away without touching the template", () => {
  const labelled = { ...template(), metadata: { labels: { app: "web", "pod-template-hash": "x" } } };
  expect(withoutHashLabel(labelled)).toEqual(template());
  expect(labelled.metadata.labels).toHaveProperty("pod-template-hash");
});
