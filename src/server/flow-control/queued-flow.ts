import type { FlowCounts } from "./flow-counts.ts";

/** Requests of one flow share a hand of queues. */
export interface QueuedFlow {
  readonly schema: string;
  /** The user or the namespace, as the schema says. */
  readonly distinguisher: string;
  /** Which of the level's queues are the flow's; empty where there are none. */
  readonly hand: readonly number[];
  readonly counts: FlowCounts;
}
