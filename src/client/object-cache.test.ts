import fc from "fast-check";
import { expect, it } from "vitest";
import type { KubeObject } from "../meta/object.ts";
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

it("shows under each value the objects that have it now, whatever they had before", () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = new ObjectCache<Thing>();
      cache.addIndex("values", ({ values }) => values);
      const twin = new Map<string, Thing>();
      for (const { object, remove } of steps) {
        const key = keyIn(object);
        expect(remove ? cache.delete(key) : cache.set(object)).toBe(twin.get(key));
        if (remove) twin.delete(key);
        else twin.set(key, object);
        const all = [...twin.values()];
        expect(inOrder(cache.list())).toEqual(inOrder(all));
        for (const namespace of ["default", "other"])
          expect(inOrder(cache.inNamespace(namespace))).toEqual(inOrder(all.filter(({ metadata }) => metadata.namespace === namespace)));
        for (const value of ["x", "y", "z"]) expect(inOrder(cache.byIndex("values", value))).toEqual(inOrder(all.filter(({ values }) => values.includes(value))));
      }
    }),
  );
});
