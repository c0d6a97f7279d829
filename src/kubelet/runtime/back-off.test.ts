import { expect, it } from "vitest";
import { BackOff } from "./back-off.ts";

it("doubles from the first delay to the longest", () => {
  const backOff = new BackOff({ initialMs: 10, maxMs: 300 });
  const delays: number[] = [];
  for (let index = 0; index < 7; index += 1) {
    backOff.next("k", { eventMs: 0, nowMs: 0 });
    delays.push(backOff.delayOf("k"));
  }
  expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
});

it("counts from the event, and begins anew after twice the longest delay of quiet", () => {
  const backOff = new BackOff({ initialMs: 10, maxMs: 100 });
  expect(backOff.remainingMs("k", { eventMs: 0, nowMs: 0 })).toBe(0);
  backOff.next("k", { eventMs: 0, nowMs: 5 });
  expect(backOff.remainingMs("k", { eventMs: 50, nowMs: 53 })).toBe(7);
  expect(backOff.remainingMs("k", { eventMs: 50, nowMs: 60 })).toBe(0);
  expect(backOff.remainingSinceUpdateMs("k", 9)).toBe(6);
  backOff.next("k", { eventMs: 50, nowMs: 60 });
  expect(backOff.delayOf("k")).toBe(20);
  expect(backOff.remainingMs("k", { eventMs: 261, nowMs: 262 })).toBe(0);
  backOff.next("k", { eventMs: 261, nowMs: 262 });
  expect(backOff.delayOf("k")).toBe(10);
});

it("forgets by prefix", () => {
  const backOff = new BackOff({ initialMs: 10, maxMs: 100 });
  for (const key of ["u1_a", "u1_b", "u2_a"]) backOff.next(key, { eventMs: 0, nowMs: 0 });
  backOff.forget("u1_");
  expect(["u1_a", "u1_b", "u2_a"].map((key) => backOff.delayOf(key))).toEqual([0, 0, 10]);
});
