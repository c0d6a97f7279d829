import { expect, it } from "vitest";
import { resolveIntOrPercent } from "./int-or-percent.ts";

it.each([
  [3, 10, "up", 3],
  ["25%", 10, "up", 3],
  ["25%", 10, "down", 2],
  ["7%", 100, "up", 7],
  ["0%", 10, "up", 0],
  ["x", 10, "up", undefined],
  [undefined, 10, "up", undefined],
] as const)("%s of %d rounded %s is %s", (value, total, round, result) => {
  expect(resolveIntOrPercent(value, total, round)).toBe(result);
});
