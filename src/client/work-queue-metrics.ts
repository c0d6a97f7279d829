import type { Counter, Gauge, Histogram, Metrics } from "../base/metrics.ts";

/** Shared by all queues; each sample is labelled with the queue's name. @upstream component-base/metrics/prometheus/workqueue */
export interface WorkQueueMetrics {
  readonly depth: Gauge;
  readonly adds: Counter;
  readonly queueDuration: Histogram;
  readonly workDuration: Histogram;
  readonly unfinishedWork: Gauge;
  readonly longestRunning: Gauge;
  readonly retries: Counter;
}

const buckets = Array.from({ length: 12 }, (_, power) => 1e-8 * 10 ** power);
const labels = ["name"];
const known = new WeakMap<Metrics, WorkQueueMetrics>();

/** Defined once per registry, however many queues ask. */
export function workQueueMetrics(metrics: Metrics): WorkQueueMetrics {
  let made = known.get(metrics);
  if (made === undefined) {
    made = {
      depth: metrics.gauge("workqueue_depth", "Keys that wait in the queue", labels),
      adds: metrics.counter("workqueue_adds_total", "Keys added to the queue", labels),
      queueDuration: metrics.histogram("workqueue_queue_duration_seconds", "How long a key waits in the queue before it is worked on", buckets, labels),
      workDuration: metrics.histogram("workqueue_work_duration_seconds", "How long working on a key takes", buckets, labels),
      unfinishedWork: metrics.gauge("workqueue_unfinished_work_seconds", "Sum of the time spent so far on keys being worked on", labels),
      longestRunning: metrics.gauge("workqueue_longest_running_processor_seconds", "Time spent so far on the key being worked on the longest", labels),
      retries: metrics.counter("workqueue_retries_total", "Keys added again after a failure", labels),
    };
    known.set(metrics, made);
  }
  return made;
}
