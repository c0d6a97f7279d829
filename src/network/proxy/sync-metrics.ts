import type { Counter, Gauge, Histogram, Metrics } from "../../base/metrics.ts";

export interface SyncMetrics {
  readonly duration: Histogram;
  readonly fullDuration: Histogram;
  readonly partialDuration: Histogram;
  readonly lastTimestamp: Gauge;
  readonly lastQueued: Gauge;
  readonly failures: Counter;
  readonly serviceChanges: Counter;
  readonly endpointChanges: Counter;
}

/** 1 ms, doubled 15 times. */
const buckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

/** @upstream pkg/proxy/metrics/metrics.go */
export const syncMetrics = (metrics: Metrics): SyncMetrics => ({
  duration: metrics.histogram("kubeproxy_sync_proxy_rules_duration_seconds", "How long it took to bring the rules up to date", buckets),
  fullDuration: metrics.histogram("kubeproxy_sync_full_proxy_rules_duration_seconds", "How long it took to write all rules", buckets),
  partialDuration: metrics.histogram("kubeproxy_sync_partial_proxy_rules_duration_seconds", "How long it took to write the rules that changed", buckets),
  lastTimestamp: metrics.gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When the rules were last brought up to date"),
  lastQueued: metrics.gauge("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "When a change of the rules was last asked for"),
  failures: metrics.counter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Scripts that nftables refused"),
  serviceChanges: metrics.counter("kubeproxy_sync_proxy_rules_service_changes_total", "Services seen to change"),
  endpointChanges: metrics.counter("kubeproxy_sync_proxy_rules_endpoint_changes_total", "Endpoint slices seen to change"),
});
