import type { Pod, Service } from "../../api/generated/types/core-v1.ts";
import { podCondition } from "../pods/pod-state.ts";

interface Seen {
  readonly serviceMs: number;
  readonly pods: ReadonlyMap<string, number>;
}

/**
 * Tells when what a reconcile is about to publish first came about: the earliest change of a pod's readiness, or of the
 * service, that was not seen before. Kept per service. @upstream endpointslice/trigger_time_tracker.go
 */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** As text for the annotation; undefined when nothing new has a time. */
  note(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#seen.get(key);
    const serviceMs = timeOf(service.metadata.creationTimestamp);
    const now = new Map(pods.map((pod) => [pod.metadata.name ?? "", timeOf(podCondition(pod, "Ready")?.lastTransitionTime)]));
    this.#seen.set(key, { serviceMs, pods: now });
    let earliest = Number.POSITIVE_INFINITY;
    for (const [name, ms] of now) if (ms > (before?.pods.get(name) ?? 0)) earliest = Math.min(earliest, ms);
    if (before === undefined || serviceMs > before.serviceMs) earliest = Math.min(earliest, serviceMs === 0 ? Number.POSITIVE_INFINITY : serviceMs);
    return Number.isFinite(earliest) ? new Date(earliest).toISOString().replace(".000Z", "Z") : undefined;
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

function timeOf(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text);
}
