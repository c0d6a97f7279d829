import type { UserInfo } from "../../meta/wire.ts";
import type { RequestInfo } from "../request-info.ts";
import type { QueuedFlow } from "./queued-flow.ts";
import { LinkedList } from "./linked-list.ts";
import type { Work } from "./work-estimate.ts";

/** Where a ticket is from. */
export interface TicketDesk {
  leave(ticket: Ticket): void;
  giveUp(ticket: Ticket, reason: "time-out" | "cancelled"): void;
}

/** One queue of a level. Work is in seat-milliseconds. */
export class FlowQueue {
  readonly waiting = new LinkedList<Ticket>();
  readonly executing = new LinkedList<Ticket>();
  seatsInUse = 0;
  /** Work of all that wait. */
  waitingWork = 0;
  /** Where the set's meter of progress stands, as far as this queue has used its share. */
  nextDispatch = 0;

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.executing.length === 0;
  }
}

/**
 * One request in a level: waiting, then executing, then done. Who got one that executes calls `leave` when the request is
 * answered; of one that waits, `turn` tells when it executes.
 */
export class Ticket {
  readonly desk: TicketDesk;
  readonly flow: QueuedFlow;
  /** Absent where there are no queues. */
  readonly queue: FlowQueue | undefined;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly initialSeats: number;
  finalSeats: number;
  lingerMs: number;
  arrivedMs = 0;
  /** What the set's meter of progress said on arrival. */
  arrivedAt = 0;
  startedMs = 0;
  state: "waiting" | "executing" | "done" = "waiting";
  /** Neighbours in the list that it is in, of those that wait or of those that execute. */
  next: Ticket | undefined = undefined;
  previous: Ticket | undefined = undefined;
  /** Called once when a waiting ticket executes. */
  onTurn: (() => void) | undefined = undefined;

  constructor(
    desk: TicketDesk,
    flow: QueuedFlow,
    queue: FlowQueue | undefined,
    { info, user, work }: { readonly info: RequestInfo; readonly user: UserInfo; readonly work: Work },
  ) {
    this.desk = desk;
    this.flow = flow;
    this.queue = queue;
    this.info = info;
    this.user = user;
    this.initialSeats = work.initialSeats;
    this.finalSeats = work.finalSeats;
    this.lingerMs = work.lingerMs;
  }

  /** Seats taken from the beginning to the end of the linger. */
  get seats(): number {
    return this.initialSeats > this.finalSeats ? this.initialSeats : this.finalSeats;
  }

  leave(): void {
    this.desk.leave(this);
  }
}
