import { expect, it } from "vitest";
import { mergeV2, underPaths } from "./merge-v2.ts";

const ref = (name: string): { readonly $ref: string } => ({ $ref: `#/definitions/${name}` });

it("keeps of a document what lies under the paths, and what that leads to", () => {
  const document = {
    swagger: "2.0",
    paths: {
      "/apis/a/v1/x": { get: { schema: ref("X"), parameters: [{ $ref: "#/parameters/p" }] } },
      "/apis/a/v1": { get: {} },
      "/apis/a/v1beta1/x": {},
      "/apis/apps/v1/y": { schema: ref("Y") },
    },
    definitions: { X: { properties: { meta: ref("Meta"), again: ref("X") } }, Meta: { type: "object" }, Y: { type: "object" } },
    parameters: { p: { name: "p" }, q: { name: "q" } },
  };
  expect(underPaths(document, ["/apis/a/v1"])).toEqual({
    paths: { "/apis/a/v1/x": document.paths["/apis/a/v1/x"], "/apis/a/v1": document.paths["/apis/a/v1"] },
    definitions: { X: document.definitions.X, Meta: document.definitions.Meta },
    parameters: { p: document.parameters.p },
  });
});

const local = { swagger: "2.0", info: { title: "K" }, paths: { "/a": 1 }, definitions: { Meta: { type: "object" }, Same: { type: "string" } }, parameters: { p: { name: "p" } } };

it("leaves the document alone when there is no other", () => {
  expect(mergeV2(local, [])).toBe(local);
});

it("gives another name to what says something else", () => {
  const other = {
    paths: { "/a": 2, "/b": { schema: ref("Meta"), parameters: [{ $ref: "#/parameters/p" }] } },
    definitions: { Meta: { type: "object", properties: { own: ref("Meta") } }, Same: { type: "string" }, New: { items: ref("Meta") } },
    parameters: { p: { name: "p", in: "query" } },
  };
  const merged = mergeV2(local, [other, other]);
  expect(merged).toEqual({
    swagger: "2.0",
    info: { title: "K" },
    paths: { "/a": 1, "/b": { schema: ref("Meta_v2"), parameters: [{ $ref: "#/parameters/p_v2" }] } },
    definitions: {
      Meta: { type: "object" },
      Same: { type: "string" },
      Meta_v2: { type: "object", properties: { own: ref("Meta_v2") } },
      New: { items: ref("Meta_v2") },
      // Of the second one: what refers to something under its new name is compared as it was said.
      Meta_v3: { type: "object", properties: { own: ref("Meta_v3") } },
      New_v2: { items: ref("Meta_v3") },
    },
    parameters: { p: { name: "p" }, p_v2: { name: "p", in: "query" } },
  });
  expect(local.definitions).toEqual({ Meta: { type: "object" }, Same: { type: "string" } });
});

it("takes names that mean something else to objects", () => {
  const other = JSON.parse('{"paths":{"/c":{"$ref":"#/definitions/__proto__"}},"definitions":{"__proto__":{"type":"object"}}}') as object;
  expect(JSON.stringify(mergeV2({ paths: {}, definitions: {} }, [underPaths(other as never, ["/c"])]))).toContain('"__proto__":{"type":"object"}');
});
