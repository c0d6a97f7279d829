import fc from "fast-check";
import { expect, it } from "vitest";
import { SortedMap } from "./sorted-map.ts";

const sorted = (keys: Iterable<string>): string[] => [...new Set(keys)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
const key = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "/", "é") });

function mapOf(keys: Iterable<string>): SortedMap<string> {
  const map = new SortedMap<string>();
  for (const each of keys) map.set(each, `value of ${each}`);
  return map;
}
function shown(map: SortedMap<string>, from: string, to: string | undefined, most = Number.POSITIVE_INFINITY): string[] {
  const values: string[] = [];
  map.each(from, to, (value) => values.push(value) < most);
  return values;
}

it("shows what a sorted list would, by pairs or by values", () => {
  fc.assert(
    fc.property(fc.array(key), fc.array(key), key, fc.option(key, { nil: undefined }), (added, removed, from, to) => {
      const map = mapOf(added);
      for (const each of removed) map.delete(each);
      const expected = sorted(added).filter((each) => !removed.includes(each) && each >= from && (to === undefined || each < to));
      expect([...map.range(from, to)]).toEqual(expected.map((each) => [each, `value of ${each}`]));
      expect(shown(map, from, to)).toEqual(expected.map((each) => `value of ${each}`));
    }),
  );
});

it.each(["in order", "backwards"])("shows ranges over many blocks whole, and stops when it is told, of keys that came %s", (order) => {
  const keys = Array.from({ length: 3_000 }, (_, index) => `k${String(index).padStart(5, "0")}`);
  const map = mapOf(order === "in order" ? keys : [...keys].reverse());
  const values = keys.map((each) => `value of ${each}`);
  expect(shown(map, "", undefined)).toEqual(values);
  expect(shown(map, "k00001", "k02999")).toEqual(values.slice(1, 2_999));
  expect(shown(map, "k00500", "k00501")).toEqual(values.slice(500, 501));
  expect(shown(map, "k00100", undefined, 1_234)).toEqual(values.slice(100, 1_334));
  expect(shown(map, "l", undefined)).toEqual([]);
});
