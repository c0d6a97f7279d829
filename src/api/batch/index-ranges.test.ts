import { assert, nat, property, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { countIndexes, formatIndexes, parseIndexRanges, sharedIndex } from "./index-ranges.ts";

const indexes = uniqueArray(nat(60)).map((list) => list.sort((a, b) => a - b));
const expand = (text: string): number[] => parseIndexRanges(text, 100).flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, step) => first + step));

describe("index ranges", () => {
  it("read what they write", () => {
    assert(
      property(indexes, (list) => {
        expect(expand(formatIndexes(list))).toEqual(list);
        expect(countIndexes(parseIndexRanges(formatIndexes(list), 100))).toBe(list.length);
      }),
    );
  });

  it("find the first that two share", () => {
    assert(
      property(indexes, indexes, (a, b) => {
        const shared = sharedIndex(parseIndexRanges(formatIndexes(a), 100), parseIndexRanges(formatIndexes(b), 100));
        expect(shared).toBe(a.find((index) => b.includes(index)));
      }),
    );
  });

  it("write two in a row one by one", () => expect(formatIndexes([0, 1, 3, 4, 5, 7])).toBe("0,1,3-5,7"));

  it.each([
    ["x", 'cannot convert string to integer for index: "x"'],
    ["0-x", 'cannot convert string to integer for index: "x"'],
    ["5", 'too large index: "5"'],
    ["0-5", 'too large index: "5"'],
    ["3-1", "non-increasing order, previous: 3, current: 1"],
    ["3,1", "non-increasing order, previous: 3, current: 1"],
    ["1-2-3", "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'"],
  ])("refuse %s of five", (text, message) => expect(() => parseIndexRanges(text, 5)).toThrow(message));
});
