import type { Clock } from "../../base/clock.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo } from "../request-info.ts";
import { LinkedList } from "./linked-list.ts";
import type { QueuedFlow } from "./queued-flow.ts";
import { SeatDemand } from "./seat-demand.ts";
import { FlowQueue, Ticket, type TicketDesk } from "./ticket.ts";
import type { Work } from "./work-estimate.ts";

/** What a level does with a request for which it has no seat. */
export type Overflow = { readonly type: "exempt" } | { readonly type: "reject" } | Queuing;
export interface Queuing {
  readonly type: "queue";
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

export interface Arrival {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly work: Work;
}

/** What a request is thought to take, until it is known. */
const GUESS_MS = 3;

/**
 * The seats and queues of one priority level, and whose turn it is. Fair queuing: each queue with requests is owed the
 * same share of seats; the meter of progress says how many seat-milliseconds a queue that always wanted more would have
 * had; the queue whose next request would be finished first in that reckoning is next.
 * Example: limit 2, queue A with 5 waiting, B gets one: B's is next when a seat is free.
 * @upstream apiserver/pkg/util/flowcontrol/fairqueuing/queueset/queueset.go
 */
export class QueueSet implements TicketDesk {
  readonly demand: SeatDemand;
  readonly #clock: Clock;
  #overflow: Overflow;
  #limit: number;
  readonly queues: FlowQueue[] = [];
  /** Those that never were in a queue. */
  readonly executing = new LinkedList<Ticket>();
  /** Seat-milliseconds that each active queue was owed since the start. */
  #progress = 0;
  #progressMs: number;
  #robin = 0;
  #arrivals = 0;
  waiting = 0;
  waitingSeats = 0;
  running = 0;
  seatsInUse = 0;
  /** Queues with requests, and the seats taken or waited for in them. */
  #active = 0;
  #queueSeats = 0;
  readonly totals = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };

  constructor(options: { readonly overflow: Overflow; readonly limit: number }, deps: { readonly clock: Clock }) {
    this.#clock = deps.clock;
    this.#progressMs = deps.clock.now();
    this.demand = new SeatDemand(this.#progressMs);
    this.#overflow = options.overflow;
    this.#limit = options.limit;
    this.configure(options.overflow, options.limit);
  }

  get limit(): number {
    return this.#limit;
  }

  get progress(): number {
    return this.#progress;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.running === 0;
  }

  /** Queues that are too many go when they are empty. */
  configure(overflow: Overflow, limit: number): void {
    const now = this.#sync();
    this.#overflow = overflow;
    this.#limit = limit;
    if (overflow.type === "queue") while (this.queues.length < overflow.queues) this.queues.push(new FlowQueue());
    this.#dropSurplus();
    this.#dispatchAll(now);
  }

  /** A ticket that executes or waits; undefined: there is no room even to wait. */
  arrive(flow: QueuedFlow, arrival: Arrival): Ticket | undefined {
    const now = this.#sync();
    const queue = this.#overflow.type === "queue" ? this.#pick(flow.hand) : undefined;
    const ticket = new Ticket(this, flow, queue, arrival);
    ticket.arrivedMs = now;
    ticket.arrivedAt = this.#progress;
    flow.counts.seats.observe(ticket.seats);
    if (queue === undefined) {
      if (this.#overflow.type !== "exempt" && !this.#fits(ticket)) return this.#refuse(ticket, "concurrency-limit");
      this.#start(ticket, now);
      return ticket;
    }
    const isFull = this.seatsInUse >= this.#limit;
    if (isFull && this.#overflow.type === "queue" && queue.waiting.length >= this.#overflow.queueLengthLimit) return this.#refuse(ticket, "queue-full");
    if (queue.isIdle) {
      queue.nextDispatch = this.#progress;
      this.#active += 1;
    }
    // PERF: whoever comes when nobody waits and a seat is free is next in any order.
    if (this.waiting === 0 && !isFull && this.#fits(ticket)) {
      if (queue.nextDispatch < ticket.arrivedAt) queue.nextDispatch = ticket.arrivedAt;
      this.#queueSeats += ticket.seats;
      this.#start(ticket, now);
      flow.counts.queueLengths.observe(1);
      return ticket;
    }
    this.#enqueue(ticket, queue, now);
    this.#dispatchAll(now);
    return ticket;
  }

  /** The end of a request that executed, or of the wish of one that waits. */
  leave(ticket: Ticket): void {
    if (ticket.state === "done") return;
    const now = this.#sync();
    if (ticket.state === "waiting") this.#withdraw(ticket, now);
    else this.#finish(ticket, now);
    this.#dispatchAll(now);
  }

  /** A ticket that waits gives up: its caller went, or its time is over. */
  giveUp(ticket: Ticket, reason: "time-out" | "cancelled"): void {
    if (ticket.state !== "waiting") return;
    this.leave(ticket);
    this.totals.rejected += 1;
    if (reason === "time-out") this.totals.timedOut += 1;
    else this.totals.cancelled += 1;
    ticket.flow.counts.refuse(reason);
    ticket.flow.counts.waitedInVain.observe((this.#progressMs - ticket.arrivedMs) / 1000);
  }

  /** Brings the meter up to now, as if nothing had changed since the last time. */
  #sync(): number {
    const now = this.#clock.now();
    const elapsed = now - this.#progressMs;
    if (elapsed > 0) {
      if (this.#active > 0) this.#progress += (elapsed * Math.min(this.#queueSeats, this.#limit)) / this.#active;
      this.#progressMs = now;
    }
    return now;
  }

  /** The queue of a hand with the least work waiting; which one is looked at first goes round. */
  #pick(hand: readonly number[]): FlowQueue | undefined {
    const from = this.#arrivals;
    this.#arrivals += 1;
    let best: FlowQueue | undefined;
    for (let offset = 0; offset < hand.length; offset += 1) {
      const queue = this.queues[hand[(from + offset) % hand.length] ?? 0];
      if (queue !== undefined && (best === undefined || queue.waitingWork < best.waitingWork)) best = queue;
      if (best?.waitingWork === 0) break;
    }
    return best;
  }

  #refuse(ticket: Ticket, reason: "queue-full" | "concurrency-limit"): undefined {
    ticket.state = "done";
    this.totals.rejected += 1;
    ticket.flow.counts.refuse(reason);
    ticket.flow.counts.waitedInVain.observe(0);
    return undefined;
  }

  /** One that wants more seats than there are may have them all. */
  #fits({ seats }: Ticket): boolean {
    return seats > this.#limit ? this.running === 0 && this.seatsInUse === 0 : this.seatsInUse + seats <= this.#limit;
  }

  #enqueue(ticket: Ticket, queue: FlowQueue, now: number): void {
    const { seats, flow } = ticket;
    queue.waiting.push(ticket);
    queue.waitingWork += workOf(ticket);
    this.waiting += 1;
    this.waitingSeats += seats;
    this.#queueSeats += seats;
    flow.counts.inQueue += 1;
    flow.counts.seatsInQueue += seats;
    flow.counts.queueLengths.observe(queue.waiting.length);
    this.#bound(queue);
    this.demand.set(this.seatsInUse + this.waitingSeats, now);
  }

  /** Takes a waiting ticket out of its queue, whatever becomes of it. */
  #dequeue(ticket: Ticket, queue: FlowQueue): void {
    const { seats, flow } = ticket;
    queue.waiting.remove(ticket);
    // What rounding leaves must not make an empty queue look longer than another.
    queue.waitingWork = queue.waiting.length === 0 ? 0 : queue.waitingWork - workOf(ticket);
    this.waiting -= 1;
    this.waitingSeats -= seats;
    flow.counts.inQueue -= 1;
    flow.counts.seatsInQueue -= seats;
  }

  #withdraw(ticket: Ticket, now: number): void {
    ticket.state = "done";
    const { queue } = ticket;
    if (queue === undefined) return;
    this.#dequeue(ticket, queue);
    this.#queueSeats -= ticket.seats;
    this.#bound(queue);
    this.#settle(queue);
    this.demand.set(this.seatsInUse + this.waitingSeats, now);
  }

  #start(ticket: Ticket, now: number): void {
    const { queue, flow } = ticket;
    const { counts } = flow;
    // Final seats beyond what there is become fewer seats for longer.
    if (ticket.finalSeats > this.#limit && this.#limit > 0 && this.#overflow.type !== "exempt") {
      const before = ticket.seats;
      ticket.lingerMs *= ticket.finalSeats / this.#limit;
      ticket.finalSeats = this.#limit;
      if (queue !== undefined) this.#queueSeats += ticket.seats - before;
    }
    const { seats } = ticket;
    ticket.state = "executing";
    ticket.startedMs = now;
    this.running += 1;
    this.seatsInUse += seats;
    this.totals.dispatched += 1;
    if (queue === undefined) this.executing.push(ticket);
    else {
      queue.executing.push(ticket);
      queue.seatsInUse += seats;
      queue.nextDispatch += workOf(ticket);
    }
    counts.executing += 1;
    counts.executingSeats += seats;
    counts.dispatched += 1;
    if (this.#overflow.type !== "exempt") counts.waited.observe((now - ticket.arrivedMs) / 1000);
    this.demand.set(this.seatsInUse + this.waitingSeats, now);
  }

  #finish(ticket: Ticket, now: number): void {
    const { queue, flow } = ticket;
    ticket.state = "done";
    const tookMs = now - ticket.startedMs;
    this.running -= 1;
    flow.counts.executing -= 1;
    (ticket.info.verb === "watch" ? flow.counts.executedWatches : flow.counts.executed).observe(tookMs / 1000);
    if (queue === undefined) this.executing.remove(ticket);
    else {
      queue.executing.remove(ticket);
      // What was guessed on dispatch becomes what it was.
      queue.nextDispatch += ticket.initialSeats * (tookMs - GUESS_MS);
      this.#bound(queue);
    }
    if (ticket.lingerMs <= 0) this.#release(ticket, now);
    else
      this.#clock.after(ticket.lingerMs, () => {
        const later = this.#sync();
        this.#release(ticket, later);
        this.#dispatchAll(later);
      });
    if (queue !== undefined) this.#settle(queue);
  }

  #release({ queue, flow, seats }: Ticket, now: number): void {
    this.seatsInUse -= seats;
    flow.counts.executingSeats -= seats;
    if (queue !== undefined) {
      queue.seatsInUse -= seats;
      this.#queueSeats -= seats;
    }
    this.demand.set(this.seatsInUse + this.waitingSeats, now);
  }

  /** After a queue lost a request. */
  #settle(queue: FlowQueue): void {
    if (!queue.isIdle) return;
    this.#active -= 1;
    this.#dropSurplus();
  }

  #dropSurplus(): void {
    const wanted = this.#overflow.type === "queue" ? this.#overflow.queues : 0;
    while (this.queues.length > wanted && this.queues.at(-1)?.isIdle === true) this.queues.pop();
    if (this.#robin >= this.queues.length) this.#robin = 0;
  }

  /** What a queue did not use is not saved up: nothing is dispatched, in the reckoning, before it came. */
  #bound(queue: FlowQueue): void {
    const { first } = queue.waiting;
    if (first !== undefined && queue.nextDispatch < first.arrivedAt) queue.nextDispatch = first.arrivedAt;
  }

  #dispatchAll(now: number): void {
    while (this.waiting > 0 && this.seatsInUse < this.#limit) {
      const queue = this.#nextQueue();
      const ticket = queue?.waiting.first;
      if (queue === undefined || ticket === undefined) return;
      if (!this.#fits(ticket)) {
        // Nobody overtakes: else one who wants many seats would never get them.
        ticket.flow.counts.noAccommodation += 1;
        return;
      }
      this.#robin = this.queues.indexOf(queue);
      this.#dequeue(ticket, queue);
      this.#start(ticket, now);
      this.#bound(queue);
      ticket.onTurn?.();
      ticket.onTurn = undefined;
    }
  }

  /** Which queue's oldest request would be finished first; of equals, the one after the last that was served. */
  #nextQueue(): FlowQueue | undefined {
    let best: FlowQueue | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    const { length } = this.queues;
    for (let offset = 1; offset <= length; offset += 1) {
      const queue = this.queues[(this.#robin + offset) % length];
      const first = queue?.waiting.first;
      if (queue === undefined || first === undefined) continue;
      const finish = queue.nextDispatch + workOf(first);
      if (finish >= earliest) continue;
      earliest = finish;
      best = queue;
    }
    return best;
  }
}

/** Work as it is guessed before the request runs, in seat-milliseconds. */
function workOf({ initialSeats, finalSeats, lingerMs }: Ticket): number {
  return initialSeats * GUESS_MS + finalSeats * lingerMs;
}
