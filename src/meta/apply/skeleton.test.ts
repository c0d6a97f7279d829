import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaOf } from "../../api/schemas.ts";
import { seededRandom } from "../../base/random.ts";
import type { KubeObject } from "../object.ts";
import { compareObjects } from "./compare.ts";
import { FieldSet } from "./field-set.ts";
import { decodeFields, encodeFields } from "./fields-v1.ts";
import { withoutMeta } from "./managed-fields.ts";
import { fieldsOfNewObject } from "./new-object-fields.ts";
import { fits, skeletonOf } from "./skeleton.ts";

const pod = schemaOf({ group: "", version: "v1", kind: "Pod" });
if (pod === undefined) throw new Error("no schema of pods");
const ignored = decodeFields(Object.freeze({ "f:status": {} }));

/** Worked out anew, without any memory. */
const fieldsOf = (object: unknown): unknown => {
  const { apiVersion, kind } = object as KubeObject;
  const { added, modified } = compareObjects({ apiVersion, kind, metadata: {} }, object, pod);
  return encodeFields(withoutMeta(modified.union(added).recursiveDifference(ignored)));
};

const names =
  "metadata,labels,annotations,finalizers,ownerReferences,uid,spec,containers,name,image,ports,containerPort,protocol,env,resources,limits,cpu,tolerations,nodeSelector,imagePullSecrets,status,conditions,type,volumes,emptyDir,args,__proto__".split(
    ",",
  );
const { value } = fc.letrec<{ value: unknown; list: unknown; map: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 7 },
    { weight: 3, arbitrary: fc.constantFrom<unknown>("a", "b", "", 1, 0, true, null) },
    { weight: 4, arbitrary: tie("map") },
    { weight: 3, arbitrary: tie("list") },
  ),
  list: fc.array(tie("value"), { maxLength: 3 }),
  map: fc
    .array(fc.tuple(fc.constantFrom(...names), tie("value")), { maxLength: 5 })
    .map((entries) => entries.reduce((object, [key, item]) => Object.defineProperty(object, key, { value: item, enumerable: true, configurable: true, writable: true }), {})),
}));
const part = (name: string, item: unknown): object => Object.defineProperty({}, name, { value: item, enumerable: true, configurable: true, writable: true });
const object = fc.tuple(value, value).map(([metadata, spec]) => ({ apiVersion: "v1", kind: "Pod", ...part("metadata", metadata), ...part("spec", spec), status: { phase: "a" } }));

/** The same with other scalars here and there: often of the same skeleton, often not. */
const altered = (item: unknown, next: () => number): unknown => {
  if (Array.isArray(item)) return item.map((one) => altered(one, next));
  if (typeof item === "object" && item !== null)
    return Object.entries(item).reduce(
      (all, [key, one]) => Object.defineProperty(all, key, { value: altered(one, next), enumerable: true, configurable: true, writable: true }),
      {},
    );
  const at = next();
  return at > 0.4 ? item : at > 0.04 ? "other" : at > 0.02 ? null : [];
};

describe("a skeleton", () => {
  it("decides which fields an object has", () => {
    let count = 0;
    fc.assert(
      fc.property(object, fc.nat(), (one, seed) => {
        const skeleton = skeletonOf(one, pod);
        if (skeleton === undefined) return;
        expect(fits(skeleton, one)).toBe(true);
        const random = seededRandom(seed);
        const other = altered(one, () => random.next());
        if (!fits(skeleton, other)) return;
        count += 1;
        expect(fieldsOf(other)).toEqual(fieldsOf(one));
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(count).toBeGreaterThan(300);
  });

  it.each([
    ["another key", { spec: { hostname: "b" } }, { spec: { nodeName: "b" } }],
    ["one key less", { spec: { hostname: "b", nodeName: "c" } }, { spec: { hostname: "b" } }],
    ["one key more", { spec: { hostname: "b" } }, { spec: { hostname: "b", nodeName: "c" } }],
    ["another container", { spec: { containers: [{ name: "a" }] } }, { spec: { containers: [{ name: "b" }] } }],
    ["another port", { spec: { containers: [{ name: "a", ports: [{ containerPort: 1 }] }] } }, { spec: { containers: [{ name: "a", ports: [{ containerPort: 2 }] }] } }],
    ["another finalizer", { metadata: { finalizers: ["a"] } }, { metadata: { finalizers: ["b"] } }],
    ["an empty list", { spec: { tolerations: [{}] } }, { spec: { tolerations: [] } }],
    ["an empty map", { metadata: { labels: { a: "b" } } }, { metadata: { labels: {} } }],
    ["a null", { spec: { hostname: "b" } }, { spec: { hostname: null } }],
  ])("tells %s", (_, one, other) => {
    const skeleton = skeletonOf(one, pod);
    expect(skeleton).toBeDefined();
    if (skeleton !== undefined) expect([fits(skeleton, one), fits(skeleton, other)]).toEqual([true, false]);
  });
});

describe("the fields of a new object", () => {
  it("are those worked out anew, whatever came before", () => {
    fc.assert(
      fc.property(object, (one) => {
        expect(encodeFields(fieldsOfNewObject(one as unknown as KubeObject, pod, ignored))).toEqual(fieldsOf(one));
      }),
      { numRuns: 1000, seed: 2 },
    );
  });

  it("are shared by objects that differ in values alone, however many other shapes come in between", () => {
    const podNamed = (name: string, labels: object): KubeObject =>
      ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { containers: [{ name: "c", image: name }] } }) as unknown as KubeObject;
    const first = fieldsOfNewObject(podNamed("a", { app: "a" }), pod, FieldSet.empty);
    expect(fieldsOfNewObject(podNamed("b", { app: "b" }), pod, FieldSet.empty)).toBe(first);
    for (let index = 0; index < 20; index += 1) {
      expect(fieldsOfNewObject(podNamed("c", { [`k${index}`]: "" }), pod, FieldSet.empty)).not.toBe(first);
      expect(fieldsOfNewObject(podNamed("b", { app: "b" }), pod, FieldSet.empty)).toBe(first);
    }
    expect(Object.isFrozen(encodeFields(first))).toBe(true);
  });
});
