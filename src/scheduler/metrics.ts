import type { Counter, Gauge, Histogram, Metrics } from "../base/metrics.ts";

export interface SchedulerMetrics {
  /** By result (scheduled, unschedulable, error) and profile. */
  readonly attempts: Counter;
  /** Likewise, in seconds, up to the choice. */
  readonly durations: Histogram;
  /** By queue: active, backoff, unschedulable, gated. */
  readonly pending: Gauge;
  readonly preemptions: Counter;
  readonly victims: Histogram;
}

/** @upstream pkg/scheduler/metrics/metrics.go */
export function schedulerMetrics(metrics: Metrics): SchedulerMetrics {
  const durations = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);
  const victims = Array.from({ length: 7 }, (_, power) => 2 ** power);
  return {
    attempts: metrics.counter("scheduler_schedule_attempts_total", "Attempts to schedule pods by result", ["result", "profile"]),
    durations: metrics.histogram("scheduler_scheduling_attempt_duration_seconds", "Time to choose a node for a pod", durations, ["result", "profile"]),
    pending: metrics.gauge("scheduler_pending_pods", "Pods that wait for a node, by queue", ["queue"]),
    preemptions: metrics.counter("scheduler_preemption_attempts_total", "Attempts to make room by ending pods"),
    victims: metrics.histogram("scheduler_preemption_victims", "Pods ended to make room for one", victims),
  };
}
