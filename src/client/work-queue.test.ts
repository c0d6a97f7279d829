import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../base/virtual-clock.ts";
import { RetryLimiter } from "./retry-limiter.ts";
import { WorkQueue } from "./work-queue.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const setup = (options: Partial<ConstructorParameters<typeof WorkQueue>[0]> = {}) => {
  const clock = new VirtualClock({ turn });
  return { clock, queue: new WorkQueue({ name: "test", ...options }, { clock }) };
};

describe("work queue", () => {
  it("holds a key once and gives keys in order", async () => {
    const { queue } = setup();
    for (const key of ["a", "b", "a", "c"]) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(["a", "b", "c"]);
  });

  it("gives a key added meanwhile again only after it is done", async () => {
    const { queue } = setup();
    queue.add("a");
    expect(await queue.take()).toBe("a");
    queue.add("a");
    queue.add("a");
    expect(queue.length).toBe(0);
    queue.done("a");
    expect(queue.length).toBe(1);
    expect(await queue.take()).toBe("a");
    queue.done("a");
    expect(queue.length).toBe(0);
  });

  it("hands a key to a worker that waits already", async () => {
    const { queue } = setup();
    const taken = [queue.take(), queue.take()];
    queue.add("a");
    queue.add("b");
    expect(await Promise.all(taken)).toEqual(["a", "b"]);
    expect(queue.length).toBe(0);
  });

  it("adds later, the earlier of two times winning", async () => {
    const { clock, queue } = setup();
    queue.addAfter("a", 5_000);
    queue.addAfter("a", 1_000);
    queue.addAfter("a", 3_000);
    await clock.advance(999);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(await queue.take()).toBe("a");
    queue.done("a");
    await clock.advance(10_000);
    expect(queue.length).toBe(0);
  });

  it("lets workers go and drops what waits when it is shut down", async () => {
    const { clock, queue } = setup();
    const waiting = queue.take();
    queue.addAfter("later", 10);
    queue.shutDown();
    queue.add("a");
    expect(await waiting).toBeUndefined();
    await clock.advance(100);
    expect(await queue.take()).toBeUndefined();
  });

  it("never gives a key to two workers, and gives every key that was added", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom("add", "take", "done"), fc.constantFrom("a", "b", "c"))), async (steps) => {
        const { queue } = setup();
        const working = new Set<string>();
        const owed = new Set<string>();
        for (const [step, key] of steps) {
          if (step === "add") {
            queue.add(key);
            owed.add(key);
          } else if (step === "done") {
            if (working.delete(key)) queue.done(key);
          } else if (queue.length > 0) {
            const taken = await queue.take();
            if (taken === undefined) throw new Error("nothing taken");
            expect(working.has(taken)).toBe(false);
            working.add(taken);
            owed.delete(taken);
          }
        }
        for (const key of working) queue.done(key);
        while (queue.length > 0) owed.delete((await queue.take()) ?? "");
        expect([...owed]).toEqual([]);
      }),
    );
  });
});

describe("retries", () => {
  it("doubles a key's delay from 5 ms up to 1000 s and begins anew once forgotten", () => {
    const clock = new VirtualClock({ turn });
    const limiter = new RetryLimiter({ burst: 1000 }, { clock });
    const delays = Array.from({ length: 19 }, () => limiter.delay("a"));
    expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
    expect(delays.at(-1)).toBe(1_000_000);
    expect(limiter.delay("b")).toBe(5);
    limiter.forget("a");
    expect(limiter.delay("a")).toBe(5);
  });

  it("lets all keys together through ten times a second once a hundred went at once", async () => {
    const clock = new VirtualClock({ turn });
    const limiter = new RetryLimiter({}, { clock });
    for (let index = 0; index < 100; index += 1) expect(limiter.delay(`k${index}`)).toBe(5);
    expect(limiter.delay("one more")).toBe(100);
    expect(limiter.delay("and another")).toBe(200);
    await clock.advance(1_000);
    expect(limiter.delay("later")).toBe(5);
  });

  it("counts failures", async () => {
    const { clock, queue } = setup();
    queue.addRateLimited("a");
    await clock.advance(4);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    expect(queue.failures("a")).toBe(1);
    queue.forget("a");
    expect(queue.failures("a")).toBe(0);
  });
});
