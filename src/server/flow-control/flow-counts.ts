import { Tally } from "../../base/tally.ts";

/** Why a request does not get its turn. @upstream apiserver/pkg/util/flowcontrol/metrics AddReject */
export type Refusal = "queue-full" | "concurrency-limit" | "time-out" | "cancelled";

/** @upstream apiserver/pkg/util/flowcontrol/metrics/metrics.go requestDurationSecondsBuckets */
const seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** What has happened to the requests of one schema in one level. PERF: plain numbers, which are read when metrics are shown. */
export class FlowCounts {
  readonly level: string;
  readonly schema: string;
  inQueue = 0;
  seatsInQueue = 0;
  executing = 0;
  executingSeats = 0;
  dispatched = 0;
  readonly rejected = new Map<Refusal, number>();
  /** Times that the next in turn had to wait for more seats than were free. */
  noAccommodation = 0;
  readonly waited = new Tally(seconds);
  readonly waitedInVain = new Tally(seconds);
  readonly executed = new Tally(seconds);
  readonly executedWatches = new Tally(seconds);
  readonly queueLengths = new Tally([0, 10, 25, 50, 100, 250, 500, 1000]);
  readonly seats = new Tally([1, 2, 4, 10]);
  readonly watchers = new Tally([0, 1, 10, 100, 1000, 10_000]);

  constructor(level: string, schema: string) {
    this.level = level;
    this.schema = schema;
  }

  refuse(reason: Refusal): void {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
  }
}
