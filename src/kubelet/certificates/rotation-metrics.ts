import type { Clock } from "../../base/clock.ts";
import type { Counter, Histogram, Metrics } from "../../base/metrics.ts";

/** What is told of rotations that serve one purpose; several simulated nodes share it. */
export interface RotationMetrics {
  readonly renewErrors: Counter;
  /** How long certificates lived that were changed. */
  readonly lifeSeconds: Histogram | undefined;
  /** When the certificate of each rotation ends, in milliseconds since the epoch. */
  readonly ends: Map<object, number>;
}

interface Deps {
  readonly metrics: Metrics;
  readonly clock: Clock;
}

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** @upstream pkg/kubelet/certificate/kubelet.go */
export function clientRotationMetrics({ metrics, clock }: Deps): RotationMetrics {
  const ends = new Map<object, number>();
  secondsLeft("kubelet_certificate_manager_client_ttl_seconds", "Seconds until the node's client certificate ends, negative afterwards; +Inf without one", ends, {
    metrics,
    clock,
  });
  return {
    renewErrors: metrics.counter("kubelet_certificate_manager_client_expiration_renew_errors", "How often the node's client certificate could not be renewed"),
    lifeSeconds: undefined,
    ends,
  };
}

/** @upstream pkg/kubelet/certificate/kubelet.go */
export function serverRotationMetrics({ metrics, clock }: Deps): RotationMetrics {
  const ends = new Map<object, number>();
  secondsLeft("kubelet_certificate_manager_server_ttl_seconds", "Seconds until the node's serving certificate ends, negative afterwards; +Inf without one", ends, {
    metrics,
    clock,
  });
  return {
    renewErrors: metrics.counter("kubelet_server_expiration_renew_errors", "How often the node's serving certificate could not be renewed"),
    lifeSeconds: metrics.histogram("kubelet_certificate_manager_server_rotation_seconds", "How many seconds serving certificates lived that were changed", [
      MINUTE,
      60 * MINUTE,
      4 * 60 * MINUTE,
      DAY,
      7 * DAY,
      30 * DAY,
      120 * DAY,
      365 * DAY,
      4 * 365 * DAY,
    ]),
    ends,
  };
}

function secondsLeft(name: string, help: string, ends: ReadonlyMap<object, number>, { metrics, clock }: Deps): void {
  metrics.live({ name, help, type: "gauge", samples: () => [{ labels: {}, value: (Math.min(...ends.values()) - clock.now()) / 1000 }] });
}
