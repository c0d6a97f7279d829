import { expect, it } from "vitest";
import { RequestWaiter } from "./request-waiter.ts";

it("aborts the signal that was asked for when its side leaves, and only then", () => {
  const waiter = new RequestWaiter();
  const { signal } = waiter;
  expect(signal.aborted).toBe(false);
  waiter.leave();
  expect(signal.aborted).toBe(true);
});

it("has one signal, also when it is asked for after the other side has left", () => {
  const waiter = new RequestWaiter();
  waiter.leave();
  expect(waiter.signal.aborted).toBe(true);
  expect(waiter.signal).toBe(waiter.signal);
});

it("leaves the signal alone once there is an answer", () => {
  const waiter = new RequestWaiter();
  const { signal } = waiter;
  waiter.answered();
  waiter.leave();
  expect(signal.aborted).toBe(false);
});
