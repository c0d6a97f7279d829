import { describe, expect, it } from "vitest";
import { editDistance, nearestName } from "./nearest-name.ts";

describe("nearestName", () => {
  it.each([
    ["data-dri", "data-dir"],
    ["runtme", "runtime"],
    ["Nodes", "nodes"],
    ["something-else", undefined],
  ])("%s means %s", (given, meant) => {
    expect(nearestName(given, ["data-dir", "runtime", "nodes"])).toBe(meant);
  });

  it("counts edits", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("", "abc")).toBe(3);
  });
});
