import { expect, it } from "vitest";
import { humanDuration, partialObjectMetadata } from "./table.ts";

const [second, minute, hour, day, year] = [1000, 60_000, 3_600_000, 86_400_000, 365 * 86_400_000];

it.each([
  [-2 * second, "<invalid>"],
  [-1 * second, "0s"],
  [0, "0s"],
  [999, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [5 * minute + 3 * second, "5m3s"],
  [10 * minute - second, "9m59s"],
  [10 * minute + 3 * second, "10m"],
  [3 * hour - second, "179m"],
  [3 * hour, "3h"],
  [3 * hour + 20 * minute, "3h20m"],
  [8 * hour + 20 * minute, "8h"],
  [2 * day - second, "47h"],
  [2 * day, "2d"],
  [2 * day + 4 * hour, "2d4h"],
  [8 * day + hour, "8d"],
  [2 * year - hour, "729d"],
  [2 * year + day, "2y1d"],
  [8 * year + day, "8y"],
])("%d ms is %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

it("leaves an object its metadata alone", () => {
  expect(partialObjectMetadata({ metadata: { name: "a" } })).toEqual({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } });
});
