import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../base/virtual-clock.ts";
import { FlowCounts } from "./flow-counts.ts";
import type { QueuedFlow } from "./queued-flow.ts";
import { type Overflow, QueueSet } from "./queue-set.ts";
import { dealHand } from "./shuffle-sharding.ts";
import type { Ticket } from "./ticket.ts";
import { oneSeat, type Work } from "./work-estimate.ts";

const info = { path: "/x", verb: "get" };
const user = { name: "somebody", groups: [] };
const newClock = (): VirtualClock => new VirtualClock({ turn: () => new Promise((resolve) => setImmediate(resolve)) });
const flowOf = (name: string, hand: readonly number[]): QueuedFlow => ({ schema: "s", distinguisher: name, hand, counts: new FlowCounts("level", name) });
const queues = (count: number, length = 50, handSize = 1): Overflow => ({ type: "queue", queues: count, handSize, queueLengthLimit: length });
const seats = (count: number): Work => ({ ...oneSeat, initialSeats: count });

/** A level with what a test does to it; who executes is in `executing`, in order of dispatch. */
function level(overflow: Overflow, limit: number) {
  const clock = newClock();
  const set = new QueueSet({ overflow, limit }, { clock });
  const order: string[] = [];
  const executing = new Set<Ticket>();
  const begin = (ticket: Ticket): void => {
    order.push(ticket.flow.distinguisher);
    executing.add(ticket);
  };
  const send = (flow: QueuedFlow, work: Work = oneSeat): Ticket | undefined => {
    const ticket = set.arrive(flow, { info, user, work });
    if (ticket?.state === "executing") begin(ticket);
    else if (ticket !== undefined) ticket.onTurn = () => begin(ticket);
    return ticket;
  };
  const finish = (ticket: Ticket): void => {
    executing.delete(ticket);
    ticket.leave();
  };
  /** One that has executed longest ends. */
  const finishOldest = (): void => {
    const [oldest] = executing;
    if (oldest !== undefined) finish(oldest);
  };
  return { clock, set, order, executing, send, finish, finishOldest };
}

describe("without queues", () => {
  it("turns away what finds no seat", () => {
    const { send, finish, set } = level({ type: "reject" }, 2);
    const flow = flowOf("a", []);
    const first = send(flow);
    expect(send(flow)?.state).toBe("executing");
    expect(send(flow)).toBeUndefined();
    expect([...flow.counts.rejected]).toEqual([["concurrency-limit", 1]]);
    if (first !== undefined) finish(first);
    expect(send(flow)?.state).toBe("executing");
    expect(set.totals).toMatchObject({ dispatched: 3, rejected: 1 });
  });

  it("lets through everything that is exempt, and counts it", () => {
    const { send, set } = level({ type: "exempt" }, 0);
    const flow = flowOf("a", []);
    for (let count = 0; count < 5; count += 1) expect(send(flow)?.state).toBe("executing");
    expect([set.seatsInUse, flow.counts.executing, flow.counts.dispatched]).toEqual([5, 5, 5]);
  });
});

describe("with queues", () => {
  it("lets one of few before the many of another", () => {
    const { send, finishOldest, order } = level(queues(2), 1);
    const many = flowOf("many", [0]);
    const few = flowOf("few", [1]);
    for (let count = 0; count < 10; count += 1) send(many);
    send(few);
    for (let count = 0; count < 2; count += 1) finishOldest();
    expect(order).toEqual(["many", "few", "many"]);
  });

  it("refuses when the queue is full, and only then", () => {
    const { send, set } = level(queues(1, 2), 1);
    const flow = flowOf("a", [0]);
    expect([send(flow)?.state, send(flow)?.state, send(flow)?.state, send(flow)]).toEqual(["executing", "waiting", "waiting", undefined]);
    expect([...flow.counts.rejected]).toEqual([["queue-full", 1]]);
    expect([set.waiting, set.waitingSeats, flow.counts.inQueue]).toEqual([2, 2, 2]);
  });

  it("takes the shortest queue of a hand", () => {
    const { send, set } = level(queues(3, 50, 2), 1);
    const blocked = flowOf("blocked", [0]);
    send(blocked);
    for (let count = 0; count < 4; count += 1) send(blocked);
    const flow = flowOf("a", [0, 2]);
    send(flow);
    expect(set.queues.map(({ waiting }) => waiting.length)).toEqual([4, 0, 1]);
  });

  it("lets nobody overtake one who needs more seats than are free", () => {
    const { send, finish, order } = level(queues(2), 4);
    const a = flowOf("a", [0]);
    const b = flowOf("b", [1]);
    const [first, second] = [send(a, seats(2)), send(a, seats(1))];
    send(b, seats(3));
    send(b, seats(1));
    expect(order).toEqual(["a", "a"]);
    expect(b.counts.noAccommodation).toBeGreaterThan(0);
    if (first !== undefined) finish(first);
    expect(order).toEqual(["a", "a", "b"]);
    if (second !== undefined) finish(second);
    expect(order).toEqual(["a", "a", "b", "b"]);
  });

  it("gives one who wants more than there is everything, alone", () => {
    const { send, finishOldest, set, order, executing } = level(queues(2), 3);
    const a = flowOf("a", [0]);
    for (let count = 0; count < 4; count += 1) send(a);
    const wide = send(flowOf("wide", [1]), seats(10));
    for (let count = 0; count < 10 && !order.includes("wide"); count += 1) finishOldest();
    expect(wide?.state).toBe("executing");
    expect([executing.size, set.seatsInUse]).toEqual([1, 10]);
    finishOldest();
    expect(order.toSorted()).toEqual(["a", "a", "a", "a", "wide"]);
  });

  it("keeps the seats of a change while its watchers are told", async () => {
    const { send, finish, set, clock, order } = level(queues(2), 2);
    const flow = flowOf("a", [0]);
    const change = send(flow, { initialSeats: 1, finalSeats: 2, lingerMs: 25 });
    send(flowOf("b", [1]));
    expect(set.seatsInUse).toBe(2);
    if (change !== undefined) finish(change);
    await clock.advance(24);
    expect([set.seatsInUse, order]).toEqual([2, ["a"]]);
    await clock.advance(1);
    expect([set.seatsInUse, order]).toEqual([1, ["a", "b"]]);
  });

  it("makes final seats beyond the limit fewer for longer", async () => {
    const { send, finish, set, clock } = level(queues(1), 2);
    const change = send(flowOf("a", [0]), { initialSeats: 1, finalSeats: 10, lingerMs: 10 });
    expect(set.seatsInUse).toBe(2);
    if (change !== undefined) finish(change);
    await clock.advance(49);
    expect(set.seatsInUse).toBe(2);
    await clock.advance(1);
    expect(set.seatsInUse).toBe(0);
  });

  it("forgets who gives up", () => {
    const { send, finishOldest, set, order } = level(queues(1), 1);
    const flow = flowOf("a", [0]);
    send(flow);
    const tired = send(flow);
    send(flow);
    if (tired !== undefined) set.giveUp(tired, "time-out");
    expect(tired?.state).toBe("done");
    finishOldest();
    finishOldest();
    expect(order).toEqual(["a", "a"]);
    expect([set.isIdle, set.seatsInUse, set.waitingSeats]).toEqual([true, 0, 0]);
    expect([...flow.counts.rejected]).toEqual([["time-out", 1]]);
  });

  it("lets a leave count once", () => {
    const { send, set } = level(queues(1), 2);
    const flow = flowOf("a", [0]);
    const ticket = send(flow);
    send(flow);
    ticket?.leave();
    ticket?.leave();
    expect([set.seatsInUse, set.running, flow.counts.executing]).toEqual([1, 1, 1]);
  });

  it("drains queues that a change of configuration leaves over", () => {
    const { send, finishOldest, set, order } = level(queues(4), 1);
    const flow = flowOf("a", [3]);
    send(flow);
    send(flow);
    set.configure(queues(2), 1);
    expect(set.queues).toHaveLength(4);
    send(flowOf("b", [1]));
    for (let count = 0; count < 3; count += 1) finishOldest();
    expect(order.toSorted()).toEqual(["a", "a", "b"]);
    expect(set.queues).toHaveLength(2);
  });

  it("dispatches as soon as there are more seats", () => {
    const { send, set, order } = level(queues(1), 0);
    const flow = flowOf("a", [0]);
    send(flow);
    send(flow);
    expect(order).toEqual([]);
    set.configure(queues(1), 1);
    expect(order).toEqual(["a"]);
  });
});

/** What somebody does to a level, one after the other. */
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("send" as const), flow: fc.nat(5), seats: fc.integer({ min: 1, max: 6 }), final: fc.nat(8), linger: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("finish" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("give up" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("limit" as const), limit: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("queues" as const), queues: fc.integer({ min: 2, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 20 }) }) },
);

describe("whatever happens", () => {
  it("keeps its bounds and its books, and ends empty", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 120 }), fc.integer({ min: 1, max: 10 }), async (acts, limit) => {
        let [queueCount, now] = [4, limit];
        const world = level(queues(queueCount, 3, 2), limit);
        const { set, clock, executing } = world;
        const waiting = new Set<Ticket>();
        const flows = Array.from({ length: 6 }, (_, index) => `f${index}`);
        let refused = 0;
        const check = (mayExceed: boolean): void => {
          for (const ticket of waiting) if (ticket.state !== "waiting") waiting.delete(ticket);
          expect(set.waiting).toBe(waiting.size);
          expect(set.waitingSeats).toBe([...waiting].reduce((sum, ticket) => sum + ticket.seats, 0));
          expect(set.running).toBe(executing.size);
          expect(set.queues.reduce((sum, queue) => sum + queue.waiting.length, 0)).toBe(waiting.size);
          // One alone may have more than there is; nothing else may be beyond the limit, but for what was there when it fell.
          if (!mayExceed) expect(set.seatsInUse <= now || set.running === 1 || set.running === 0).toBe(true);
          // Nobody waits beside a free level.
          if (set.waiting > 0 && now > 0) expect(set.seatsInUse).toBeGreaterThan(0);
        };
        let mayExceed = false;
        for (const step of acts) {
          if (step.type === "send") {
            const name = flows[step.flow] ?? "";
            const flow = flowOf(name, dealHand(name, { queues: queueCount, handSize: 2 }));
            const ticket = world.send(flow, { initialSeats: step.seats, finalSeats: step.final, lingerMs: step.final === 0 ? 0 : step.linger });
            if (ticket === undefined) refused += 1;
            else if (ticket.state === "waiting") waiting.add(ticket);
          } else if (step.type === "finish") {
            const ticket = [...executing][step.which % Math.max(1, executing.size)];
            if (ticket !== undefined) world.finish(ticket);
          } else if (step.type === "give up") {
            const ticket = [...waiting][step.which % Math.max(1, waiting.size)];
            if (ticket !== undefined) set.giveUp(ticket, "cancelled");
          } else if (step.type === "limit") {
            now = step.limit;
            mayExceed = true;
            set.configure(queues(queueCount, 3, 2), now);
          } else if (step.type === "queues") {
            queueCount = step.queues;
            set.configure(queues(queueCount, 3, 2), now);
          } else await clock.advance(step.ms);
          check(mayExceed);
        }
        now = limit;
        set.configure(queues(queueCount, 3, 2), limit);
        for (let rounds = 0; (executing.size > 0 || set.waiting > 0) && rounds < 1000; rounds += 1) {
          world.finishOldest();
          // Seats may still be taken by changes that are being told.
          if (executing.size === 0) await clock.advance(1000);
        }
        await clock.advance(1000);
        expect([set.isIdle, set.seatsInUse, set.waitingSeats, set.running]).toEqual([true, 0, 0, 0]);
        expect(set.queues.every(({ isIdle, seatsInUse, waitingWork }) => isIdle && seatsInUse === 0 && waitingWork === 0)).toBe(true);
        expect(set.totals.rejected).toBe(refused + set.totals.cancelled);
      }),
      { numRuns: 60 },
    );
  });

  it("gives flows that always want more the same share of seats, whatever each request takes", () => {
    const durations = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 });
    const small = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(durations, small, small, (lengths, width, times) => {
        const windowMs = 1_000;
        const clock = { ms: 0, now: () => clock.ms, after: () => () => {} };
        const set = new QueueSet({ overflow: queues(lengths.length, 10_000), limit: width * times }, { clock });
        const used = lengths.map(() => 0);
        const ends = new Map<Ticket, number>();
        for (const [index, ms] of lengths.entries()) {
          const flow = flowOf(String(index), [index]);
          for (let count = 0; count < (times * windowMs) / ms + times; count += 1) {
            const ticket = set.arrive(flow, { info, user, work: seats(width) });
            if (ticket?.state === "executing") ends.set(ticket, ms);
            else if (ticket !== undefined) ticket.onTurn = () => ends.set(ticket, clock.ms + ms);
          }
        }
        for (; clock.ms < windowMs; clock.ms += 1) {
          for (const [ticket, at] of ends) {
            if (at > clock.ms) continue;
            ends.delete(ticket);
            ticket.leave();
          }
          for (const { flow } of ends.keys()) used[Number(flow.distinguisher)] = (used[Number(flow.distinguisher)] ?? 0) + width;
        }
        // What one request takes cannot be divided, and what is under way was only guessed.
        expect(Math.max(...used) - Math.min(...used)).toBeLessThanOrEqual((times + 1) * 40 * width);
      }),
    );
  });

  it("starves nobody: one request waits for no more than one of each other flow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 40 }), (limit, flowCount, backlog) => {
        const { send, finishOldest, order } = level(queues(flowCount + 1, 1000), limit);
        for (let round = 0; round < backlog; round += 1) for (let index = 0; index < flowCount; index += 1) send(flowOf(`f${index}`, [index]));
        const before = order.length;
        send(flowOf("late", [flowCount]));
        for (let turns = 0; turns < 1000 && !order.includes("late"); turns += 1) finishOldest();
        expect(order).toContain("late");
        // Those who had nothing yet may come first, each once.
        expect(order.indexOf("late") - before).toBeLessThanOrEqual(flowCount);
      }),
    );
  });
});
