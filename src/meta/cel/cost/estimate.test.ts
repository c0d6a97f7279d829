import { expect, it } from "vitest";
import { kubernetesFunctions } from "../library/kubernetes-functions.ts";
import { mostCost } from "../program.ts";
import { type CelType, dyn, listOf, objectOf, string } from "../type.ts";
import type { SizeOf } from "./node.ts";
import { add, fixed, multiply, scale, unknownSize } from "./range.ts";

const self = objectOf("Self", { name: string, tags: listOf(string), any: dyn });
const sizes: { readonly [path: string]: number } = { "self.name": 40, "self.tags": 10, "self.tags.@items": 20 };
const sizeOf: SizeOf = (path) => {
  const max = sizes[path.join(".")];
  return max === undefined ? undefined : { min: 0, max };
};
const cost = (text: string, type: CelType = self): number | undefined => mostCost(text, { variables: { self: type }, functions: kubernetesFunctions }, sizeOf);

it.each([
  ["true", 0],
  ["has(self.name)", 1],
  ["self.name", 2],
  ["self.name == 'abc'", 3],
  ["self.name.contains('abc')", 6],
  ["self.tags.all(t, t.contains('abc'))", 2 + 10 * (2 + 1 + 1 + 2) + 1],
  ["self.tags.exists(t, t == 'a')", 2 + 10 * (3 + 1 + 2) + 1],
  ["self.tags.exists_one(t, true)", 2 + 10 * 2 + 2],
  ["self.tags.map(t, t).size() > 0", 2 + 10 + 10 * 13 + 1 + 1 + 1],
  ["self.tags.filter(t, true) == []", 2 + 10 + 10 * 13 + 1 + 10],
  ["self.tags.sum() == ''", undefined],
  ["self.tags.isSorted()", 2 + 10 * 3],
  ["'a' in self.tags", 2 + 10],
  ["self.name in ['a', 'b']", 2 + 10 + 2],
  ["true || self.name.contains('abc')", 6],
  ["true ? self.name == 'a' : false", 3],
  ["cel.bind(n, self.name, n.contains('abc'))", 10 + 2 + 1 + 4],
  ["sets.contains(self.tags, ['a'])", 2 + 10 + 10 + 1],
  ["self.any.x == 'a'", 1 + 1 + 1],
  ["nothing", undefined],
])("estimates %s", (text, expected) => {
  expect(cost(text)).toBe(expected);
});

it("knows no bound where the size of text is unknown", () => {
  expect(cost("self.name + string(1) == ''")).toBe(Number.POSITIVE_INFINITY);
});

it("calculates with ranges that cannot overflow", () => {
  expect(multiply(unknownSize, fixed(0))).toEqual(fixed(0));
  expect(multiply(fixed(2 ** 40), fixed(2 ** 40)).max).toBe(Number.POSITIVE_INFINITY);
  expect(add(fixed(1), { min: 0, max: 2 })).toEqual({ min: 1, max: 3 });
  expect(scale(fixed(11), 0.1)).toEqual(fixed(2));
});
