import { describe, expect, it } from "vitest";
import { humanDuration } from "./human-duration.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("humanDuration", () => {
  it.each([
    [-2 * second, "<invalid>"],
    [-1.9 * second, "0s"],
    [0, "0s"],
    [119.9 * second, "119s"],
    [2 * minute, "2m"],
    [2 * minute + 5 * second, "2m5s"],
    [9 * minute + 59 * second, "9m59s"],
    [10 * minute + 59 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 5 * minute, "7h5m"],
    [8 * hour + 59 * minute, "8h"],
    [47 * hour, "47h"],
    [48 * hour, "2d"],
    [5 * day + 2 * hour, "5d2h"],
    [8 * day + 5 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [731 * day, "2y1d"],
    [8 * 365 * day + 5 * day, "8y"],
  ])("%d ms is %s", (ms, text) => expect(humanDuration(ms)).toBe(text));
});
