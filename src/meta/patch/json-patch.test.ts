import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepFreeze } from "../../base/values.ts";
import { StatusError } from "../status-error.ts";
import { applyJsonPatch, maxOperations } from "./json-patch.ts";
import { applyMergePatch, createMergePatch } from "./merge-patch.ts";

describe("applyJsonPatch", () => {
  it.each<[unknown, unknown[], unknown]>([
    [{ a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    [
      { a: 1 },
      [
        { op: "add", path: "/a", value: { c: [] } },
        { op: "add", path: "/a/c/-", value: 1 },
      ],
      { a: { c: [1] } },
    ],
    [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-1", value: 2 }], { a: [1, 2] }],
    [{ a: [1, 2] }, [{ op: "remove", path: "/a/-1" }], { a: [1] }],
    [
      { a: { "b/c": 1, "d~e": 2 } },
      [
        { op: "remove", path: "/a/b~1c" },
        { op: "replace", path: "/a/d~0e", value: 3 },
      ],
      { a: { "d~e": 3 } },
    ],
    [{ a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }], { a: {}, c: 1 }],
    [
      { a: { b: [1] } },
      [
        { op: "copy", from: "/a", path: "/c" },
        { op: "add", path: "/c/b/-", value: 2 },
      ],
      { a: { b: [1] }, c: { b: [1, 2] } },
    ],
    [
      { a: { b: [1] } },
      [
        { op: "test", path: "/a", value: { b: [1] } },
        { op: "test", path: "/x", value: null },
      ],
      { a: { b: [1] } },
    ],
    [{ a: 1 }, [{ op: "replace", path: "/a", value: null }], { a: null }],
    [{ a: 1 }, [], { a: 1 }],
    [{ a: 1 }, [{ op: "add", path: "/", value: 1 }], { a: 1, "": 1 }],
  ])("%j with %j", (document, patch, result) => {
    expect(applyJsonPatch(deepFreeze(document), deepFreeze(patch))).toEqual(result);
  });

  it.each<[unknown, unknown, number, string]>([
    [{}, {}, 400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"],
    [{}, ["x"], 400, "json: cannot unmarshal string into Go value of type jsonpatch.Operation"],
    [{}, [{ op: "remove", path: "/a" }], 422, "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value"],
    [{}, [{ op: "remove", path: "/a/b" }], 422, 'remove operation does not apply: doc is missing path: "/a/b": missing value'],
    [{}, [{ op: "replace", path: "/a", value: 1 }], 422, "replace operation does not apply: doc is missing key: /a: missing value"],
    [{ a: 1 }, [{ op: "test", path: "/a", value: 2 }], 422, "testing value /a failed: test failed"],
    [{ a: [] }, [{ op: "add", path: "/a/1", value: 2 }], 422, "error in add for path: '/a/1': Unable to access invalid index: 1: invalid index referenced"],
    [{ a: [] }, [{ op: "remove", path: "/a/x" }], 422, "error in remove for path: '/a/x': strconv.Atoi: parsing \"x\": invalid syntax"],
    [{ a: 1 }, [{ op: "add", path: "", value: 2 }], 422, 'add operation does not apply: doc is missing path: "": missing value'],
    [{ a: 1 }, [{ op: "leap", path: "/a" }], 422, "Unexpected kind: leap"],
    [{ a: 1 }, [{ op: "add", value: 2 }], 422, "add operation failed to decode path: missing value"],
    [{ a: 1 }, [{ op: "add", path: "/constructor/prototype/x", value: 2 }], 422, 'add operation does not apply: doc is missing path: "/constructor/prototype/x": missing value'],
  ])("refuses %j with %j", (document, patch, code, text) => {
    let caught: unknown;
    try {
      applyJsonPatch(document, patch);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(StatusError);
    const { status, cause } = caught as StatusError;
    expect(status.code).toBe(code);
    expect(code === 422 ? (cause as Error).message : status.message).toBe(text);
    if (code === 422) expect(status).toMatchObject({ reason: "Invalid", message: "the server rejected our request due to an error in our request", details: {} });
  });

  it("sets __proto__ as a property and leaves prototypes alone", () => {
    const result = applyJsonPatch({}, [{ op: "add", path: "/__proto__", value: { x: 1 } }]);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"x":1}}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it("bounds operations and copies", () => {
    const many = Array.from({ length: maxOperations + 1 }, () => ({ op: "test", path: "/a", value: 1 }));
    expect(() => applyJsonPatch({ a: 1 }, many)).toThrow("Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001");
    const doubling = Array.from({ length: 40 }, () => ({ op: "copy", from: "/a", path: "/a/-" }));
    expect(() => applyJsonPatch({ a: ["x".repeat(100)] }, doubling)).toThrow("rejected our request");
  });

  it("replaces, adds and removes as a plain walk does", () => {
    const name = fc.constantFrom("a", "b", "c");
    const leaf = fc.oneof(fc.integer(), fc.constant([]), fc.constant({}));
    const document = fc.dictionary(name, fc.dictionary(name, fc.oneof(leaf, fc.array(leaf))));
    fc.assert(
      fc.property(document, name, name, fc.integer(), (from, outer, inner, value) => {
        const path = `/${outer}/${inner}`;
        const held: Record<string, unknown> | undefined = Object.hasOwn(from, outer) ? from[outer] : undefined;
        if (held === undefined) {
          expect(() => applyJsonPatch(from, [{ op: "add", path, value }])).toThrow();
          return;
        }
        expect(applyJsonPatch(deepFreeze(from), [{ op: "add", path, value }])).toEqual({ ...from, [outer]: { ...held, [inner]: value } });
        const added = applyJsonPatch(from, [{ op: "add", path, value }]);
        const { [inner]: _, ...rest } = held;
        expect(
          applyJsonPatch(added, [
            { op: "test", path, value },
            { op: "remove", path },
          ]),
        ).toEqual({ ...from, [outer]: rest });
      }),
    );
  });
});

describe("applyMergePatch", () => {
  it.each<[unknown, unknown, unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: ["c", null] }, { a: ["c", null] }],
    [{ a: { b: "c", d: "e" } }, { a: { b: "x", d: null } }, { a: { b: "x" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: "x" }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  ])("%j with %j", (document, patch, result) => {
    expect(applyMergePatch(deepFreeze(document), deepFreeze(patch))).toEqual(result);
  });

  it("refuses what is no object", () => {
    expect(() => applyMergePatch({}, [1])).toThrow(expect.objectContaining({ code: 400, message: "Invalid JSON Patch" }));
  });

  it("is undone by the patch back", () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value"))),
      object: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value")),
    }));
    fc.assert(
      fc.property(json.object, json.object, (from, to) => {
        const [a, b] = [from, to] as [Record<string, unknown>, Record<string, unknown>];
        expect(applyMergePatch(a, createMergePatch(a, b))).toEqual(b);
        expect(createMergePatch(a, a)).toEqual({});
      }),
    );
  });
});
