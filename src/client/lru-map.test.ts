import fc from "fast-check";
import { expect, it } from "vitest";
import { LruMap } from "./lru-map.ts";

it("forgets what was not read or written for longest", () => {
  const map = new LruMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([1, undefined, 3, 2]);
});

it("counts a write to a known key as use", () => {
  const map = new LruMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 4);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([4, undefined, 3]);
});

it("keeps nothing with no room", () => {
  const map = new LruMap<number>(0);
  map.set("a", 1);
  map.set("b", 2);
  expect([map.get("a"), map.get("b"), map.size]).toEqual([undefined, undefined, 0]);
});

/** A list with the newest last, searched from end to end. */
class PlainLru {
  readonly #limit: number;
  entries: { readonly key: string; readonly value: number }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): number | undefined {
    const found = this.entries.find((entry) => entry.key === key);
    if (found !== undefined) this.set(key, found.value);
    return found?.value;
  }

  set(key: string, value: number): void {
    this.entries = [...this.entries.filter((entry) => entry.key !== key), { key, value }].slice(-this.#limit);
  }
}

it("does as a plain list does", () => {
  const step = fc.record({ key: fc.constantFrom("a", "b", "c", "d", "e"), value: fc.option(fc.nat(9), { nil: undefined }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (limit, steps) => {
      const map = new LruMap<number>(limit);
      const plain = new PlainLru(limit);
      for (const { key, value } of steps) {
        if (value === undefined) expect(map.get(key)).toBe(plain.get(key));
        else {
          map.set(key, value);
          plain.set(key, value);
        }
        expect(map.size).toBe(plain.entries.length);
      }
      for (const { key, value } of plain.entries.slice()) expect(map.get(key)).toBe(value);
    }),
  );
});
