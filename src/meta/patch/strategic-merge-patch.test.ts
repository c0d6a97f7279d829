import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaOf } from "../../api/schemas.ts";
import { deepFreeze } from "../../base/values.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const pod = schemaOf({ group: "", version: "v1", kind: "Pod" });
const deployment = schemaOf({ group: "apps", version: "v1", kind: "Deployment" });
const spec = (original: unknown, patch: unknown): unknown =>
  (applyStrategicMergePatch(deepFreeze({ kind: "Pod", spec: original }), deepFreeze({ spec: patch }), pod) as { spec: unknown }).spec;

describe("applyStrategicMergePatch", () => {
  it.each<[string, unknown, unknown, unknown]>([
    ["sets and deletes fields", { nodeName: "a", hostname: "h" }, { nodeName: "b", hostname: null, x: null }, { nodeName: "b" }],
    [
      "merges lists by their key, new items first",
      {
        containers: [
          { name: "a", image: "1" },
          { name: "b", image: "1" },
        ],
      },
      {
        containers: [
          { name: "c", image: "1" },
          { name: "b", image: "2" },
        ],
      },
      {
        containers: [
          { name: "c", image: "1" },
          { name: "a", image: "1" },
          { name: "b", image: "2" },
        ],
      },
    ],
    ["deletes an item", { containers: [{ name: "a" }, { name: "b" }] }, { containers: [{ $patch: "delete", name: "a" }] }, { containers: [{ name: "b" }] }],
    ["deletes nothing that is not there", { containers: [{ name: "b" }] }, { containers: [{ $patch: "delete", name: "a" }] }, { containers: [{ name: "b" }] }],
    ["replaces a list", { containers: [{ name: "a" }, { name: "b" }] }, { containers: [{ name: "c" }, { $patch: "replace" }] }, { containers: [{ name: "c" }] }],
    ["replaces a map", { securityContext: { runAsUser: 1, fsGroup: 2 } }, { securityContext: { $patch: "replace", runAsUser: 3 } }, { securityContext: { runAsUser: 3 } }],
    ["empties a map", { securityContext: { runAsUser: 1 } }, { securityContext: { $patch: "delete" } }, { securityContext: {} }],
    ["replaces an atomic list", { tolerations: [{ key: "a" }] }, { tolerations: [{ key: "b" }] }, { tolerations: [{ key: "b" }] }],
    ["merges maps of text", { nodeSelector: { a: "1", b: "2" } }, { nodeSelector: { b: null, c: "3" } }, { nodeSelector: { a: "1", c: "3" } }],
    [
      "keeps only the retained keys",
      { volumes: [{ name: "v", emptyDir: {} }] },
      { volumes: [{ $retainKeys: ["name", "hostPath"], name: "v", hostPath: { path: "/" } }] },
      { volumes: [{ name: "v", hostPath: { path: "/" } }] },
    ],
    [
      "orders by $setElementOrder",
      { containers: [{ name: "a" }, { name: "server" }, { name: "b" }] },
      { "$setElementOrder/containers": [{ name: "b" }, { name: "c" }, { name: "a" }], containers: [{ name: "c", image: "1" }] },
      { containers: [{ name: "server" }, { name: "b" }, { name: "c", image: "1" }, { name: "a" }] },
    ],
    [
      "orders alone",
      { containers: [{ name: "a" }, { name: "b" }] },
      { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] },
      { containers: [{ name: "b" }, { name: "a" }] },
    ],
    [
      "takes a new list without its directives",
      {},
      {
        containers: [
          { name: "a", env: null, securityContext: { $patch: "delete", x: 1 } },
          { $patch: "delete", name: "z" },
        ],
      },
      { containers: [{ name: "a", securityContext: {} }] },
    ],
    ["ignores nulls of what is new", {}, { securityContext: { runAsUser: null, fsGroup: 1 } }, { securityContext: { fsGroup: 1 } }],
    [
      "merges nested lists",
      {
        containers: [
          {
            name: "a",
            env: [
              { name: "X", value: "1" },
              { name: "Y", value: "2" },
            ],
          },
        ],
      },
      {
        containers: [
          {
            name: "a",
            env: [
              { name: "Y", $patch: "delete" },
              { name: "X", value: "3" },
            ],
          },
        ],
      },
      { containers: [{ name: "a", env: [{ name: "X", value: "3" }] }] },
    ],
  ])("%s", (_, original, patch, result) => {
    expect(spec(original, patch)).toEqual(result);
  });

  it("merges and deletes in lists of scalars", () => {
    const metadata = (original: unknown, patch: unknown): unknown =>
      (applyStrategicMergePatch(deepFreeze({ metadata: original }), deepFreeze({ metadata: patch }), pod) as { metadata: unknown }).metadata;
    expect(metadata({ finalizers: ["a", "b"] }, { finalizers: ["c", "a"] })).toEqual({ finalizers: ["c", "a", "b"] });
    expect(metadata({ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a", "z"] })).toEqual({ finalizers: ["b"] });
    expect(metadata({}, { "$deleteFromPrimitiveList/finalizers": ["a"] })).toEqual({});
    expect(metadata({ finalizers: ["a", "b"] }, { "$setElementOrder/finalizers": ["c", "b"], finalizers: ["c"] })).toEqual({ finalizers: ["c", "a", "b"] });
  });

  it("replaces the rolling update when the strategy's keys are retained", () => {
    const live = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    expect(applyStrategicMergePatch(live, { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } }, deployment)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  it.each<[unknown, number, string]>([
    [{ spec: { containers: [{ image: "x" }] } }, 500, "map: map[image:x] does not contain declared merge key: name"],
    [{ spec: { $patch: "merge" } }, 500, "unknown patch type: merge in map: map[$patch:merge]"],
    [{ spec: { containers: [{ name: "a", $patch: "merge" }] } }, 500, "merging lists cannot yet be specified in the patch"],
    [{ spec: { "$setElementOrder/containers": "a" } }, 500, "expected a []interface {}, but received a string"],
    [{ spec: { $setElementOrder: [] } }, 400, "invalid patch format of setElementOrder list"],
    [{ spec: { $deleteFromPrimitiveList: [] } }, 400, "invalid patch format of primitive list"],
    [{ spec: { $retainKeys: "x" } }, 400, "invalid patch format of retainKeys"],
    [{ spec: { $retainKeys: ["x"], nodeName: "y" } }, 422, "the server rejected our request due to an error in our request"],
    [{ spec: { "$setElementOrder/containers": [{ name: "a" }], containers: [{ name: "b" }] } }, 500, "The order in patch list:"],
    [[], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ])("refuses %j", (patch, code, message) => {
    expect(() => applyStrategicMergePatch({ spec: { containers: [{ name: "a" }] } }, patch, pod)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as unknown }),
    );
  });

  it("says which field a kind does not have", () => {
    expect(() => applyStrategicMergePatch({ spec: { nope: { a: 1 } } }, { spec: { nope: { a: 2 } } }, pod)).toThrow(
      'unable to find api field in struct PodSpec for the json field "nope"',
    );
  });

  it("stays quick on long lists", () => {
    const env = (value: string): object[] => Array.from({ length: 20_000 }, (_, index) => ({ name: `N${index}`, value }));
    const result = spec({ containers: [{ name: "a", env: env("1") }] }, { containers: [{ name: "a", env: env("2") }] });
    expect(result).toEqual({ containers: [{ name: "a", env: env("2") }] });
  });

  it("is idempotent and keeps items apart by their key", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const item = fc.record({ name, image: fc.constantFrom("1", "2") }, { requiredKeys: ["name"] });
    const list = fc.uniqueArray(item, { selector: (value) => value.name });
    const marked = fc
      .uniqueArray(fc.tuple(item, fc.boolean()), { selector: ([value]) => value.name })
      .map((items) => items.map(([value, isGone]) => (isGone ? { name: value.name, $patch: "delete" } : value)));
    fc.assert(
      fc.property(list, marked, (containers, patch) => {
        const once = spec({ containers }, { containers: patch }) as { containers: { name: string; image?: string }[] };
        expect(spec(once, { containers: patch })).toEqual(once);
        const expected = new Map(containers.map((value) => [value.name, value as object]));
        for (const change of patch) {
          if ("$patch" in change) expected.delete(change.name);
          else expected.set(change.name, { ...expected.get(change.name), ...change });
        }
        expect(new Map(once.containers.map((value) => [value.name, value]))).toEqual(expected);
      }),
    );
  });

  const word = fc.constantFrom("1", "2");
  const record = <T>(names: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> => fc.dictionary(fc.constantFrom(...names), value);
  /** A pod's spec, or a patch of one, that speaks only of what begins with these letters. */
  const part = (letters: readonly string[]): fc.Arbitrary<Record<string, unknown>> => {
    const env = fc.uniqueArray(fc.record({ name: fc.constantFrom("X", "Y"), value: word }), { selector: ({ name }) => name });
    const named = fc.record({ name: fc.constantFrom(...letters), image: word, env, resources: fc.record({ limits: record(letters, word) }) }, { requiredKeys: ["name"] });
    return fc.record({ containers: fc.uniqueArray(named, { selector: ({ name }) => name }), nodeSelector: record(letters, word) }, { requiredKeys: [] });
  };
  /** Lists by their merge keys: their order is what the order of patches decides. */
  const unordered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unordered).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unordered(inner)]));
  };

  it("changes nothing when it says nothing, or what is so already", () => {
    fc.assert(
      fc.property(part(["a", "b", "c"]), (original) => {
        expect(spec(original, {})).toEqual(original);
        expect(unordered(spec(original, original))).toEqual(unordered(original));
      }),
    );
  });

  it("patched twice is patched once, deep inside", () => {
    fc.assert(
      fc.property(part(["a", "b", "c"]), part(["b", "c", "d"]), (original, patch) => {
        const once = spec(original, patch);
        expect(spec(once, patch)).toEqual(once);
      }),
    );
  });

  it("patches of different things come to the same in either order", () => {
    fc.assert(
      fc.property(part(["a", "b", "c", "d"]), part(["a", "b"]), part(["c", "d"]), (original, one, other) => {
        expect(unordered(spec(spec(original, one), other))).toEqual(unordered(spec(spec(original, other), one)));
      }),
    );
  });
});
