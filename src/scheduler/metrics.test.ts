import { expect, it } from "vitest";
import { type LiveMetric, noMetrics } from "../base/metrics.ts";
import { SchedulerMetrics } from "./metrics.ts";

function setup() {
  const live = new Map<string, LiveMetric>();
  const metrics = new SchedulerMetrics(
    { ...noMetrics, live: (metric) => void live.set(metric.name, metric) },
    { unschedulable: () => Array.from({ length: 3 }, () => ({ plugin: "NodeResourcesFit", profile: "default-scheduler" })), cache: () => ({ nodes: 2, pods: 5, assumed_pods: 1 }) },
  );
  /** `{ "result=scheduled,profile=a": 1 }`; of histograms their counts and sums. */
  const shown = (name: string): Record<string, number> =>
    Object.fromEntries(
      [...(live.get(`scheduler_${name}`)?.samples() ?? [])]
        .filter(({ series }) => series !== "bucket")
        .map(({ labels, series, value }) => [[...Object.entries(labels).map(([label, text]) => `${label}=${text}`), ...(series === undefined ? [] : [series])].join(), value]),
    );
  return { metrics, shown };
}

it("counts attempts and what they took, by result and profile", () => {
  const { metrics, shown } = setup();
  metrics.attempted("a", "scheduled", 0.25);
  metrics.attempted("a", "scheduled", 0.5);
  metrics.attempted("b", "error", 1);
  metrics.chosen(0.125);
  expect(shown("schedule_attempts_total")).toEqual({ "result=scheduled,profile=a": 2, "result=error,profile=b": 1 });
  expect(shown("scheduling_attempt_duration_seconds")).toMatchObject({ "result=scheduled,profile=a,sum": 0.75, "result=scheduled,profile=a,count": 2 });
  expect(shown("scheduling_algorithm_duration_seconds")).toEqual({ sum: 0.125, count: 1 });
});

it("counts how often and how long pods were tried until they got a node", () => {
  const { metrics, shown } = setup();
  metrics.bound(1, 2);
  metrics.bound(2, 4);
  metrics.bound(15, 8);
  metrics.bound(40, 8);
  expect(shown("pod_scheduling_attempts")).toEqual({ sum: 58, count: 4 });
  expect(shown("pod_scheduling_sli_duration_seconds")).toEqual({
    "attempts=1,sum": 2,
    "attempts=1,count": 1,
    "attempts=2,sum": 4,
    "attempts=2,count": 1,
    "attempts=15+,sum": 16,
    "attempts=15+,count": 2,
  });
});

it("counts pods by queue, and what brought them there", () => {
  const { metrics, shown } = setup();
  metrics.came("active", "UnscheduledPodAdd");
  metrics.came("active", "UnscheduledPodAdd");
  metrics.left("active");
  metrics.came("unschedulable", "ScheduleAttemptFailure");
  expect(shown("pending_pods")).toEqual({ "queue=active": 1, "queue=backoff": 0, "queue=unschedulable": 1, "queue=gated": 0 });
  expect(shown("queue_incoming_pods_total")).toEqual({ "queue=active,event=UnscheduledPodAdd": 2, "queue=unschedulable,event=ScheduleAttemptFailure": 1 });
  expect(shown("unschedulable_pods")).toEqual({ "plugin=NodeResourcesFit,profile=default-scheduler": 3 });
  expect(shown("cache_size")).toEqual({ "type=nodes": 2, "type=pods": 5, "type=assumed_pods": 1 });
});
