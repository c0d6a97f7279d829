import { describe, expect, it } from "vitest";
import { Interrupt, orAbort } from "./abort.ts";

const never = new Promise<never>(() => {});
const reason = new Error("enough");

/** Both ways to wait; each anew for a signal. */
const ways: readonly [string, (signal: AbortSignal) => <T>(promise: Promise<T>) => Promise<T>][] = [
  ["orAbort", (signal) => (promise) => orAbort(promise, signal)],
  [
    "Interrupt",
    (signal) => {
      const interrupt = new Interrupt(signal);
      return (promise) => interrupt.or(promise);
    },
  ],
];

describe.each(ways)("%s", (_name, make) => {
  it("passes on what comes", async () => {
    const or = make(new AbortController().signal);
    expect(await or(Promise.resolve(1))).toBe(1);
    await expect(or(Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await or(Promise.resolve(2))).toBe(2);
  });

  it("rejects with the signal's reason when that comes first", async () => {
    const controller = new AbortController();
    const or = make(controller.signal);
    expect(await or(Promise.resolve(1))).toBe(1);
    const waiting = or(never);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it("rejects at once when the signal has aborted, and swallows what the promise says then", async () => {
    const controller = new AbortController();
    const or = make(controller.signal);
    controller.abort(reason);
    await expect(or(never)).rejects.toBe(reason);
    let fail = (_error: Error): void => {};
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waiting = or(late);
    fail(new Error("late"));
    await expect(waiting).rejects.toBe(reason);
  });

  it("rejects at once when it is made for a signal that has aborted", async () => {
    await expect(make(AbortSignal.abort(reason))(never)).rejects.toBe(reason);
  });
});
