import type { Counter, Gauge, Histogram, Metrics } from "../base/metrics.ts";

export interface KubeletMetrics {
  readonly runningPods: Gauge;
  readonly runningContainers: Gauge;
  readonly startedPods: Counter;
  readonly evictions: Counter;
  readonly podStartSeconds: Histogram;
}

/** Kubernetes' own names. @upstream pkg/kubelet/metrics/metrics.go */
export function kubeletMetrics(metrics: Metrics): KubeletMetrics {
  return {
    runningPods: metrics.gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox"),
    runningContainers: metrics.gauge("kubelet_running_containers", "Number of containers currently running", ["container_state"]),
    startedPods: metrics.counter("kubelet_started_pods_total", "Cumulative number of pods started"),
    evictions: metrics.counter("kubelet_evictions", "Cumulative number of pod evictions by eviction signal", ["eviction_signal"]),
    podStartSeconds: metrics.histogram(
      "kubelet_pod_start_duration_seconds",
      "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
      [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300],
    ),
  };
}
