import { expect, it } from "vitest";
import { rfc3339 } from "./clock.ts";

it("writes each time as itself, whatever was written before", () => {
  const times: readonly (readonly [number, string])[] = [
    [0, "1970-01-01T00:00:00Z"],
    [999, "1970-01-01T00:00:00Z"],
    [1_000, "1970-01-01T00:00:01Z"],
    [-1, "1969-12-31T23:59:59Z"],
    [Date.UTC(2026, 0, 31, 8, 0, 0, 500), "2026-01-31T08:00:00Z"],
    [0, "1970-01-01T00:00:00Z"],
    [Date.UTC(2026, 0, 31, 8, 0, 0), "2026-01-31T08:00:00Z"],
  ];
  expect(times.map(([time]) => rfc3339(time))).toEqual(times.map(([, text]) => text));
});

it("refuses what is no time", () => {
  expect(() => rfc3339(Number.NaN)).toThrow(RangeError);
});
