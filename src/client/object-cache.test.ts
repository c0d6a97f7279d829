import fc from "fast-check";
import { expect, it } from "vitest";
import type { KubeObject } from "../meta/object.ts";
import type { IndexValues } from "./informer.ts";
import { ObjectCache } from "./object-cache.ts";

interface Thing extends KubeObject {
  readonly values: readonly string[];
}
const name = fc.constantFrom("a", "b", "c");
const thing = fc
  .record({ name, values: fc.uniqueArray(fc.constantFrom("x", "y", "z")) })
  .map(({ name: own, values }): Thing => ({ apiVersion: "v1", kind: "Thing", metadata: { name: own, namespace: own === "c" ? "other" : "default" }, values }));
const step = fc.oneof(
  thing.map((object) => ({ object, remove: false })),
  thing.map((object) => ({ object, remove: true })),
);
const keyIn = ({ metadata }: Thing): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
const inOrder = (things: readonly Thing[]): readonly Thing[] => [...things].sort((a, b) => (keyIn(a) < keyIn(b) ? -1 : 1));

// Several values, one, or none: what an index may answer.
const indexValues = ({ values }: Thing): IndexValues => (values.length > 1 ? values : values[0]);

it("shows under each value the objects that have it now, whatever they had before", () => {
  fc.assert(
    fc.property(fc.array(step), fc.nat(10), (steps, lateAt) => {
      const cache = new ObjectCache<Thing>();
      cache.addIndex("values", ({ values }) => values);
      const twin = new Map<string, Thing>();
      for (const [at, { object, remove }] of steps.entries()) {
        // One that comes when objects are there already.
        if (at === lateAt) cache.addIndex("late", indexValues);
        const key = keyIn(object);
        expect(remove ? cache.delete(key) : cache.set(object)).toBe(twin.get(key));
        if (remove) twin.delete(key);
        else twin.set(key, object);
        const all = [...twin.values()];
        expect(cache.size).toBe(all.length);
        expect(cache.get(key)).toBe(twin.get(key));
        expect(inOrder(cache.list())).toEqual(inOrder(all));
        for (const namespace of ["default", "other"])
          expect(inOrder(cache.inNamespace(namespace))).toEqual(inOrder(all.filter(({ metadata }) => metadata.namespace === namespace)));
        for (const index of at < lateAt ? ["values"] : ["values", "late"])
          for (const value of ["x", "y", "z"]) expect(inOrder(cache.byIndex(index, value))).toEqual(inOrder(all.filter(({ values }) => values.includes(value))));
      }
    }),
  );
});

it("gives out the same array until something in it changes", () => {
  const cache = new ObjectCache<Thing>();
  const thingOf = (own: string, values: readonly string[]): Thing => ({ apiVersion: "v1", kind: "Thing", metadata: { name: own, namespace: "default" }, values });
  cache.addIndex("values", indexValues);
  cache.set(thingOf("a", ["x"]));
  cache.set(thingOf("b", ["y"]));
  const [x, y] = [cache.byIndex("values", "x"), cache.byIndex("values", "y")];
  const next = thingOf("a", ["x"]);
  cache.set(next);
  expect(x).not.toContain(next);
  expect(cache.byIndex("values", "x")).toEqual([next]);
  expect(cache.byIndex("values", "y")).toBe(y);
});
