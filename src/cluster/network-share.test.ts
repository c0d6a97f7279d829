import { describe, expect, it } from "vitest";
import type { ApiRequest, ApiResponse } from "../meta/wire.ts";
import type { Turns } from "../base/turns.ts";
import { withNetworkShare } from "./network-share.ts";

const answer: ApiResponse = { status: 200, headers: {}, body: { type: "empty" } };
const waiter = new AbortController();

/** A loop whose turns are taken by hand, and requests that take their time. */
function loopOf(requestMs: number) {
  let nowMs = 0;
  let soon: (() => void)[] = [];
  const begun: string[] = [];
  const turns: Turns = { nowMs: () => nowMs, soon: (callback) => soon.push(callback) };
  const handle = withNetworkShare(async ({ path }) => {
    begun.push(path);
    nowMs += requestMs;
    if (path === "/bug") throw new Error("a bug");
    return answer;
  }, turns);
  const ask = (path: string): Promise<ApiResponse> =>
    handle({ method: "GET", path, query: "", headers: {}, body: { type: "none" }, caller: { type: "network", address: "" } } as ApiRequest, waiter);
  return {
    begun,
    ask,
    /** What is due runs; what it asks for is for the next turn. */
    turn() {
      const due = soon;
      soon = [];
      for (const callback of due) callback();
    },
    get idle() {
      return soon.length === 0;
    },
  };
}

const paths = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `/${from + index}`);

describe("withNetworkShare", () => {
  it("begins at once what fits a turn, and asks for nothing more afterwards", async () => {
    const loop = loopOf(0.5);
    await Promise.all(paths(0, 5).map(loop.ask));
    expect(loop.begun).toEqual(paths(0, 5));
    loop.turn();
    expect(loop.idle).toBe(true);
  });

  it("gives each turn its share, in the order of arrival", async () => {
    const loop = loopOf(1.5);
    const all = Promise.all(paths(0, 12).map(loop.ask));
    expect(loop.begun).toEqual(paths(0, 3));
    loop.turn();
    const late = loop.ask("/late");
    let turns = 1;
    for (let before = -1; loop.begun.length > before; turns += 1) {
      before = loop.begun.length;
      loop.turn();
      expect(loop.begun.length - before).toBeLessThanOrEqual(3);
    }
    expect(loop.begun).toEqual([...paths(0, 12), "/late"]);
    await Promise.all([all, late]);
    loop.turn();
    expect(loop.idle).toBe(true);
  });

  it("begins one at least in each turn, however long it takes", async () => {
    const loop = loopOf(1000);
    const all = Promise.all(paths(0, 4).map(loop.ask));
    for (let turn = 0; turn < 4; turn += 1) loop.turn();
    expect(loop.begun).toEqual(paths(0, 4));
    await all;
  });

  it("hands a failure on to whoever asked", async () => {
    const loop = loopOf(20);
    const first = loop.ask("/0");
    const second = loop.ask("/bug");
    const third = loop.ask("/1");
    for (let turn = 0; turn < 3; turn += 1) loop.turn();
    await expect(second).rejects.toThrow("a bug");
    expect(await Promise.all([first, third])).toEqual([answer, answer]);
  });
});
