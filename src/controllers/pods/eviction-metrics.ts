import type { Metrics } from "../../base/metrics.ts";

/** 5 ms to 4 minutes. */
const delays = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];

/** Of a controller that deletes pods for a taint's sake. @upstream pkg/controller/tainteviction/metrics/metrics.go */
export function evictionMetrics(metrics: Metrics, controller: string): { deleted(seconds: number): void } {
  const total = metrics.counter(`${controller}_pod_deletions_total`, "Pods deleted because of a taint");
  const durations = metrics.histogram(`${controller}_pod_deletion_duration_seconds`, "How long after their time was over pods were deleted", delays);
  return {
    deleted(seconds) {
      total.inc();
      durations.observe(Math.max(0, seconds));
    },
  };
}
