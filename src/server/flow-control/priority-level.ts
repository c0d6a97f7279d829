import type { PriorityLevelConfigurationSpec } from "../../api/generated/types/flowcontrol-v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { LevelConfiguration } from "./configuration.ts";
import { type Overflow, QueueSet } from "./queue-set.ts";
import { maxSeatsOf } from "./work-estimate.ts";

/** Between what a level may be given and what it must be left. In seats. */
export interface SeatBounds {
  /** Its part of the whole by its shares. */
  readonly nominal: number;
  /** What it never lends. */
  readonly lower: number;
  /** With all that it may borrow. */
  readonly upper: number;
}

/** One priority level at work. It outlives its object until nobody is in it. */
export class PriorityLevel {
  readonly name: string;
  readonly set: QueueSet;
  uid: string;
  spec: PriorityLevelConfigurationSpec;
  overflow: Overflow;
  bounds: SeatBounds;
  /** The most seats that one request may take. */
  maxSeats = 1;
  /** Its object is gone: it goes too as soon as it is idle. */
  quiescing = false;
  /** What the last division aimed at. */
  targetSeats = 0;

  constructor({ name, uid, spec }: LevelConfiguration, bounds: SeatBounds, deps: { readonly clock: Clock }) {
    this.name = name;
    this.uid = uid;
    this.spec = spec;
    this.bounds = bounds;
    this.overflow = overflowOf(spec);
    this.set = new QueueSet({ overflow: this.overflow, limit: bounds.nominal }, deps);
    this.configure({ name, uid, spec }, bounds);
  }

  get isExempt(): boolean {
    return this.overflow.type === "exempt";
  }

  configure({ uid, spec }: LevelConfiguration, bounds: SeatBounds): void {
    this.uid = uid;
    this.spec = spec;
    this.overflow = overflowOf(spec);
    this.resize(bounds);
  }

  resize(bounds: SeatBounds): void {
    this.bounds = bounds;
    this.maxSeats = maxSeatsOf(bounds.nominal, this.overflow.type === "queue" ? this.overflow.handSize : 1);
  }

  /** The least that it must have now: what it wanted lately, unless that is borrowed. */
  get wantedSeats(): number {
    const { lower, nominal } = this.bounds;
    const { highest } = this.set.demand;
    return Math.max(lower, this.isExempt ? highest : Math.min(nominal, highest));
  }
}

/** Shares, and which part of them is lent or borrowed, in percent. */
export function sharesOf({ limited, exempt }: PriorityLevelConfigurationSpec): { readonly shares: number; readonly lendable: number; readonly borrowing: number | undefined } {
  if (limited === undefined) return { shares: exempt?.nominalConcurrencyShares ?? 0, lendable: exempt?.lendablePercent ?? 0, borrowing: undefined };
  return { shares: limited.nominalConcurrencyShares ?? 30, lendable: limited.lendablePercent ?? 0, borrowing: limited.borrowingLimitPercent };
}

function overflowOf({ type, limited }: PriorityLevelConfigurationSpec): Overflow {
  if (type === "Exempt") return { type: "exempt" };
  const queuing = limited?.limitResponse?.queuing;
  if (queuing === undefined) return { type: "reject" };
  return { type: "queue", queues: queuing.queues ?? 64, handSize: queuing.handSize ?? 8, queueLengthLimit: queuing.queueLengthLimit ?? 50 };
}
