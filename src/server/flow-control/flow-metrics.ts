import type { LiveMetric, Metrics, Sample } from "../../base/metrics.ts";
import type { Tally } from "../../base/tally.ts";
import type { FlowCounts } from "./flow-counts.ts";
import type { PriorityLevel } from "./priority-level.ts";

/** What the metrics are read from. */
export interface FlowFigures {
  readonly levels: readonly PriorityLevel[];
  readonly counts: Iterable<FlowCounts>;
  readonly inFlight: { readonly readOnly: number; readonly mutating: number };
  readonly fairFraction: number;
}

const PREFIX = "apiserver_flowcontrol_";

/** @upstream apiserver/pkg/util/flowcontrol/metrics/metrics.go */
export function defineFlowMetrics(figures: FlowFigures, metrics: Metrics): void {
  const define = (name: string, type: LiveMetric["type"], help: string, samples: () => Iterable<Sample>): void => metrics.live({ name, type, help, samples });
  const perLevel = (name: string, help: string, value: (level: PriorityLevel) => number): void =>
    define(PREFIX + name, "gauge", help, () => figures.levels.map((level) => ({ labels: { priority_level: level.name }, value: value(level) })));
  const perFlow = (name: string, type: "counter" | "gauge", help: string, value: (counts: FlowCounts) => number): void =>
    define(PREFIX + name, type, help, () => [...figures.counts].map((counts) => ({ labels: labelsOf(counts), value: value(counts) })));
  const tallies = (name: string, help: string, of: (counts: FlowCounts) => readonly (readonly [Tally, Record<string, string>])[]): void =>
    define(PREFIX + name, "histogram", help, () =>
      [...figures.counts].flatMap((counts) => of(counts).flatMap(([tally, more]) => (tally.isEmpty ? [] : [...tally.samples({ ...labelsOf(counts), ...more })]))),
    );

  define("apiserver_current_inflight_requests", "gauge", "Requests under way, by kind", () =>
    (["readOnly", "mutating"] as const).map((kind) => ({ labels: { request_kind: kind }, value: figures.inFlight[kind] })),
  );
  define(`${PREFIX}rejected_requests_total`, "counter", "Requests turned away, by reason", () =>
    [...figures.counts].flatMap((counts) => [...counts.rejected].map(([reason, value]) => ({ labels: { ...labelsOf(counts), reason }, value }))),
  );
  perFlow("dispatched_requests_total", "counter", "Requests that began to execute", ({ dispatched }) => dispatched);
  perFlow("current_inqueue_requests", "gauge", "Requests that wait in queues", ({ inQueue }) => inQueue);
  perFlow("current_inqueue_seats", "gauge", "Seats that are waited for in queues", ({ seatsInQueue }) => seatsInQueue);
  perFlow("current_executing_requests", "gauge", "Requests that execute; watches while they begin", ({ executing }) => executing);
  perFlow("current_executing_seats", "gauge", "Seats taken by requests that execute or whose changes are being told", ({ executingSeats }) => executingSeats);
  perFlow("request_dispatch_no_accommodation_total", "counter", "Times that the next in turn had to wait for more free seats", ({ noAccommodation }) => noAccommodation);
  perLevel("nominal_limit_seats", "Seats of a level by its shares", ({ bounds }) => bounds.nominal);
  perLevel("lower_limit_seats", "Seats that a level never lends", ({ bounds }) => bounds.lower);
  perLevel("upper_limit_seats", "Seats of a level with all that it may borrow", ({ bounds }) => bounds.upper);
  perLevel("current_limit_seats", "Seats that a level has now", ({ set }) => set.limit);
  perLevel("demand_seats_high_watermark", "Most seats wanted at once in the last period", ({ set }) => set.demand.highest);
  perLevel("demand_seats_average", "Seats wanted on average in the last period", ({ set }) => set.demand.average);
  perLevel("demand_seats_stdev", "Standard deviation of the seats wanted in the last period", ({ set }) => set.demand.deviation);
  perLevel("demand_seats_smoothed", "Seats wanted, smoothed over periods", ({ set }) => set.demand.smoothed);
  perLevel("target_seats", "Seats that the last division aimed at", ({ targetSeats }) => targetSeats);
  perLevel("current_r", "The level's meter of progress, in seat-seconds", ({ set }) => set.progress / 1000);
  define(`${PREFIX}seat_fair_frac`, "gauge", "The part of its target that each level was given", () => [{ labels: {}, value: figures.fairFraction }]);
  tallies("request_wait_duration_seconds", "How long requests waited in a queue", ({ waited, waitedInVain }) => [
    [waited, { execute: "true" }],
    [waitedInVain, { execute: "false" }],
  ]);
  tallies("request_execution_seconds", "How long requests executed; watches until they began", ({ executed, executedWatches }) => [
    [executed, { type: "regular" }],
    [executedWatches, { type: "watch" }],
  ]);
  tallies("request_queue_length_after_enqueue", "Length of a queue, as each request that joined it saw it", ({ queueLengths }) => [[queueLengths, {}]]);
  tallies("work_estimated_seats", "Seats that requests were thought to need", ({ seats }) => [[seats, {}]]);
  tallies("watch_count_samples", "Watchers that a change was told to", ({ watchers }) => [[watchers, {}]]);
}

function labelsOf({ level, schema }: FlowCounts): Record<string, string> {
  return { priority_level: level, flow_schema: schema };
}
