import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestInfo } from "../request-info.ts";
import { boundsOf, divideLevels } from "./divide-levels.ts";
import { PriorityLevel, sharesOf } from "./priority-level.ts";
import { SeatDemand } from "./seat-demand.ts";
import { divideSeats } from "./seat-shares.ts";
import { dealHand } from "./shuffle-sharding.ts";
import { standardPriorityLevels } from "./standard-objects.ts";
import { estimateWork, isWide, maxSeatsOf } from "./work-estimate.ts";

describe("the seats of a request", () => {
  const extent = { objects: 5_000, watchers: 0 };
  it.each([
    ["GET /api/v1/pods", extent, 10],
    ["GET /api/v1/pods", { ...extent, objects: 250 }, 3],
    ["GET /api/v1/pods", { ...extent, objects: 0 }, 1],
    ["GET /api/v1/things", { ...extent, objects: undefined }, 1],
    ["GET /api/v1/pods?limit=500", extent, 5],
    ["GET /api/v1/pods?limit=500", { ...extent, objects: 120 }, 2],
    ["GET /api/v1/pods?limit=500&labelSelector=a", extent, 10],
    ["GET /api/v1/pods?fieldSelector=metadata.name%3Dx", extent, 1],
    ["GET /api/v1/pods?fieldSelector=metadata.name%21%3Dx", extent, 10],
    ["GET /api/v1/pods?fieldSelector=metadata.name", extent, 10],
    ["GET /api/v1/namespaces/a/pods/x", extent, 1],
    ["GET /api/v1/pods?watch=1", extent, 1],
    ["GET /api/v1/pods?watch=1&sendInitialEvents=true", extent, 10],
    ["DELETE /api/v1/namespaces/a/pods", extent, 1],
    ["GET /healthz", extent, 1],
  ])("%s with %j: %d", (request, of, expected) => {
    const [method = "", url = ""] = request.split(" ");
    const [path = "", search = ""] = url.split("?");
    const query = new URLSearchParams(search);
    const info = requestInfo(method, path, query);
    if (info === undefined) throw new Error("no request");
    const work = info.resource === undefined || !isWide(info, query) ? undefined : estimateWork(info.resource, query, of, 10);
    expect(work?.initialSeats ?? 1).toBe(expected);
  });

  it.each([
    [9, 10, { finalSeats: 0, lingerMs: 0 }],
    [10, 10, { finalSeats: 1, lingerMs: 5 }],
    [95, 10, { finalSeats: 10, lingerMs: 5 }],
    [1_000, 10, { finalSeats: 10, lingerMs: 50 }],
    [1_000, 2, { finalSeats: 2, lingerMs: 250 }],
  ])("a change that %d watch, of at most %d seats: %j", (watchers, most, expected) => {
    const query = new URLSearchParams();
    const info = requestInfo("PUT", "/api/v1/namespaces/a/pods/x", query);
    if (info?.resource === undefined) throw new Error("no request");
    expect(isWide(info, query)).toBe(true);
    expect(estimateWork(info.resource, query, { objects: 1, watchers }, most)).toEqual({ initialSeats: 1, ...expected });
  });

  it("of a token are one", () => {
    const query = new URLSearchParams();
    const info = requestInfo("POST", "/api/v1/namespaces/a/serviceaccounts/x/token", query);
    expect(info === undefined || isWide(info, query)).toBe(false);
  });

  it.each([
    [5, 6, 1],
    [15, 6, 2],
    [20, 6, 3],
    [35, 6, 5],
    [100, 6, 10],
    [10, 1, 2],
    [100, 20, 5],
    [0, 6, 1],
  ])("are at most, in a level of %d and hands of %d: %d", (nominal, hand, expected) => {
    expect(maxSeatsOf(nominal, hand)).toBe(expected);
  });
});

describe("a hand of queues", () => {
  it("is the same for the same flow, of different queues, and different for others", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 8 }), (flow, queues, handSize) => {
        const hand = dealHand(flow, { queues, handSize });
        expect(hand).toEqual(dealHand(flow, { queues, handSize }));
        expect(new Set(hand).size).toBe(Math.min(queues, handSize));
        for (const queue of hand) expect(queue >= 0 && queue < queues).toBe(true);
      }),
    );
    const hands = Array.from({ length: 2_000 }, (_, index) => dealHand(`global-default\0user-${index}`, { queues: 128, handSize: 6 }));
    expect(new Set(hands.map((hand) => hand.toSorted((a, b) => a - b).join())).size).toBe(2_000);
    const dealt = new Map<number, number>();
    for (const queue of hands.flat()) dealt.set(queue, (dealt.get(queue) ?? 0) + 1);
    // Each of 128 queues is in 94 hands on average; none is much more or less popular.
    expect(Math.min(...Array.from({ length: 128 }, (_, queue) => dealt.get(queue) ?? 0))).toBeGreaterThan(50);
    expect(Math.max(...dealt.values())).toBeLessThan(150);
  });
});

describe("seats divided", () => {
  const claims = fc.array(
    fc.record({ low: fc.integer({ min: 0, max: 50 }), more: fc.integer({ min: 0, max: 400 }), extra: fc.integer({ min: 0, max: 50 }) }).map(({ low, more, extra }) => ({
      low,
      high: low + more,
      target: low + extra,
    })),
    { minLength: 1, maxLength: 8 },
  );

  it("keep all bounds, add up when they can, and share in one proportion what the bounds leave", () => {
    fc.assert(
      fc.property(claims, fc.integer({ min: 0, max: 1500 }), (of, total) => {
        const { shares, proportion } = divideSeats(total, of);
        const low = of.reduce((sum, claim) => sum + claim.low, 0);
        const high = of.reduce((sum, claim) => sum + claim.high, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(Math.min(high, Math.max(low, total)), 4);
        for (const [index, claim] of of.entries()) {
          const share = shares[index] ?? Number.NaN;
          expect(share).toBeGreaterThanOrEqual(claim.low);
          expect(share).toBeLessThanOrEqual(claim.high);
          if (share > claim.low + 1e-6 && share < claim.high - 1e-6) expect(share).toBeCloseTo(proportion * Math.max(claim.target, 0.001), 4);
        }
      }),
    );
  });

  it("are lent by whom does not want them to whom does", () => {
    const clock = { ms: 0, now: () => clock.ms, after: () => () => {} };
    const whole = { totalSeats: 600, totalShares: standardPriorityLevels.reduce((sum, { spec }) => sum + sharesOf(spec).shares, 0) };
    const levels = standardPriorityLevels.map(({ name, spec }) => new PriorityLevel({ name, uid: "", spec }, boundsOf(sharesOf(spec), whole), { clock }));
    const named = (name: string): PriorityLevel => levels.find((level) => level.name === name) ?? expect.fail(name);
    // What upstream's documentation says of 600: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
    expect(levels.map(({ name, bounds }) => [name, bounds.nominal, bounds.lower])).toEqual([
      ["exempt", 0, 0],
      ["catch-all", 13, 13],
      ["system", 74, 50],
      ["node-high", 98, 73],
      ["leader-election", 25, 25],
      ["workload-high", 98, 49],
      ["workload-low", 245, 24],
      ["global-default", 49, 24],
    ]);
    const period = (wanted: Record<string, number>): void => {
      for (const level of levels) level.set.demand.set(wanted[level.name] ?? 0, clock.ms);
      clock.ms += 10_000;
      for (const level of levels) level.set.demand.read(clock.ms);
      for (const [level, limit] of divideLevels(levels).limits) level.set.configure(level.overflow, limit);
    };
    period({ "global-default": 300 });
    const limit = (name: string): number => named(name).set.limit;
    expect(limit("global-default")).toBeGreaterThan(300);
    expect(limit("workload-low")).toBeLessThan(30);
    expect(levels.reduce((sum, level) => sum + level.set.limit, 0)).toBeGreaterThan(595);
    // Wanted again, they are back after one period.
    period({ "global-default": 300, "workload-low": 300 });
    expect(limit("workload-low")).toBeGreaterThanOrEqual(245);
    // What the exempt take is missing elsewhere, but nobody goes below what it never lends.
    period({ exempt: 550, "workload-low": 300 });
    for (const level of levels) expect(level.set.limit).toBeGreaterThanOrEqual(level.bounds.lower);
    expect(limit("workload-low")).toBe(24);
  });
});

it("what is wanted is followed up at once and down slowly", () => {
  const demand = new SeatDemand(0);
  demand.set(10, 0);
  demand.set(0, 5_000);
  demand.read(10_000);
  expect([demand.highest, demand.average, demand.deviation, demand.smoothed]).toEqual([10, 5, 5, 10]);
  demand.read(20_000);
  expect([demand.highest, demand.average]).toEqual([0, 0]);
  expect(demand.smoothed).toBeCloseTo(9.77);
  for (let period = 0; period < 29; period += 1) demand.read(30_000 + period * 10_000);
  expect(demand.smoothed).toBeCloseTo(5, 0);
  demand.set(40, 310_000);
  demand.read(320_000);
  expect(demand.smoothed).toBe(40);
});
