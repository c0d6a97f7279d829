import { expect, it } from "vitest";
import type { Turns } from "../base/turns.ts";
import { TurnShare } from "./turn-share.ts";

/** A loop whose turns end when told to. */
function someTurns(): Turns & { nowMsIs(ms: number): void; end(): void } {
  let now = 0;
  let waiting: (() => void)[] = [];
  return {
    nowMs: () => now,
    soon: (callback) => void waiting.push(callback),
    nowMsIs: (ms) => {
      now = ms;
    },
    end: () => {
      const all = waiting;
      waiting = [];
      for (const callback of all) callback();
    },
  };
}

it("is used up after so long in one turn, and there again in the next", async () => {
  const turns = someTurns();
  const share = new TurnShare({ shareMs: 5, most: 100 }, turns);
  const used = [0, 4, 5].map((ms) => {
    turns.nowMsIs(ms);
    return share.isUsedUp();
  });
  expect(used).toEqual([false, false, true]);
  const next = share.next();
  turns.end();
  await next;
  expect(share.isUsedUp()).toBe(false);
});

it("does not add up over turns with little to do", () => {
  const turns = someTurns();
  const share = new TurnShare({ shareMs: 5, most: 100 }, turns);
  for (const ms of [0, 10, 20, 30]) {
    turns.nowMsIs(ms);
    expect(share.isUsedUp()).toBe(false);
    turns.end();
  }
});

it("is not waited for in vain", async () => {
  const share = new TurnShare({ shareMs: 5, most: 1 }, someTurns());
  const next = share.next();
  share.close();
  await expect(next).resolves.toBeUndefined();
});

it("counts where time stands still", () => {
  const share = new TurnShare({ shareMs: 5, most: 3 }, someTurns());
  expect([1, 2, 3].map(() => share.isUsedUp())).toEqual([false, false, true]);
});
