import { countSamples } from "../base/count-samples.ts";
import { exponentialBuckets, type Metrics, type Sample } from "../base/metrics.ts";
import { Tally } from "../base/tally.ts";
import type { QueuePlace } from "./queue.ts";

/** How an attempt ended. */
export type AttemptResult = "scheduled" | "unschedulable" | "error";

/** What is read when metrics are shown. */
export interface SchedulerSizes {
  /** The plug-ins that turned each waiting pod away. */
  unschedulable(): Iterable<{ readonly plugin: string; readonly profile: string }>;
  cache(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number };
}

const latencies = exponentialBuckets(0.001, 2, 15);
const waits = exponentialBuckets(0.01, 2, 20);
/** Pods that took so many attempts, or more, are counted together. */
const MANY_ATTEMPTS = 15;

/**
 * The scheduler's numbers under upstream's names. PERF: each pod counts several times, so they are kept here in plain
 * numbers and only put into samples when they are shown. @upstream pkg/scheduler/metrics/metrics.go
 */
export class SchedulerMetrics {
  readonly #attempts = new Map<string, Record<AttemptResult, Tally>>();
  readonly #algorithm = new Tally(latencies);
  readonly #pending: Record<QueuePlace, number> = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
  readonly #incoming: Record<QueuePlace, Map<string, number>> = { active: new Map(), backoff: new Map(), unschedulable: new Map(), gated: new Map() };
  /** By attempts; the first is unused. */
  readonly #waits: readonly Tally[] = Array.from({ length: MANY_ATTEMPTS + 1 }, () => new Tally(waits));
  readonly #tries = new Tally(exponentialBuckets(1, 2, 5));
  readonly #victims = new Tally(exponentialBuckets(1, 2, 7));
  readonly #preemptions;
  readonly #claims;

  constructor(metrics: Metrics, sizes: SchedulerSizes) {
    this.#preemptions = metrics.counter("scheduler_preemption_attempts_total", "Attempts to make room by ending pods");
    this.#claims = metrics.counter("scheduler_resourceclaim_creates_total", "Claims made for extended resources that are devices", ["status"]);
    const live = (type: "counter" | "gauge" | "histogram", name: string, help: string, samples: () => Iterable<Sample>): void =>
      metrics.live({ name: `scheduler_${name}`, type, help, samples });
    live("counter", "schedule_attempts_total", "Attempts to schedule pods by result", () => this.#results().map(([labels, tally]) => ({ labels, value: tally.total })));
    live("histogram", "scheduling_attempt_duration_seconds", "Time to choose a node for a pod and to bind it", () =>
      this.#results().flatMap(([labels, tally]) => [...tally.samples(labels)]),
    );
    live("histogram", "scheduling_algorithm_duration_seconds", "Time to choose a node for a pod", () => this.#algorithm.samples({}));
    live("gauge", "pending_pods", "Pods that wait for a node, by queue", () => Object.entries(this.#pending).map(([queue, value]) => ({ labels: { queue }, value })));
    live("counter", "queue_incoming_pods_total", "Pods that came into a queue, by what brought them there", () =>
      Object.entries(this.#incoming).flatMap(([queue, events]) => Array.from(events, ([event, value]) => ({ labels: { queue, event }, value }))),
    );
    live("histogram", "pod_scheduling_sli_duration_seconds", "Time from the queue to the node, by attempts", () => this.#waits.flatMap(waitSamples));
    live("histogram", "pod_scheduling_attempts", "Attempts until a pod got its node", () => this.#tries.samples({}));
    live("histogram", "preemption_victims", "Pods ended to make room for one", () => this.#victims.samples({}));
    live("gauge", "unschedulable_pods", "Pods that found no node, by the plug-ins that turned them away", () => countSamples(sizes.unschedulable()));
    live("gauge", "cache_size", "Nodes and pods that the scheduler knows, and pods that are being bound", () =>
      Object.entries(sizes.cache()).map(([type, value]) => ({ labels: { type }, value })),
    );
  }

  #results(): readonly (readonly [labels: Sample["labels"], tally: Tally])[] {
    return [...this.#attempts].flatMap(([profile, results]) =>
      Object.entries(results).flatMap(([result, tally]) => (tally.isEmpty ? [] : [[{ result, profile }, tally] as const])),
    );
  }

  attempted(profile: string, result: AttemptResult, seconds: number): void {
    let results = this.#attempts.get(profile);
    if (results === undefined) {
      results = { scheduled: new Tally(latencies), unschedulable: new Tally(latencies), error: new Tally(latencies) };
      this.#attempts.set(profile, results);
    }
    results[result].observe(seconds);
  }

  chosen(seconds: number): void {
    this.#algorithm.observe(seconds);
  }

  /** A pod got its node after so many attempts, so long after it could first be tried. */
  bound(attempts: number, seconds: number): void {
    this.#tries.observe(attempts);
    this.#waits[Math.min(attempts, MANY_ATTEMPTS)]?.observe(seconds);
  }

  came(place: QueuePlace, event: string): void {
    this.#pending[place] += 1;
    const events = this.#incoming[place];
    events.set(event, (events.get(event) ?? 0) + 1);
  }

  left(place: QueuePlace): void {
    this.#pending[place] -= 1;
  }

  preempting(): void {
    this.#preemptions.inc();
  }

  ended(victims: number): void {
    this.#victims.observe(victims);
  }

  claimMade(status: "success" | "failure"): void {
    this.#claims.inc([status]);
  }
}

function waitSamples(tally: Tally, attempts: number): readonly Sample[] {
  return tally.isEmpty ? [] : [...tally.samples({ attempts: attempts === MANY_ATTEMPTS ? `${MANY_ATTEMPTS}+` : String(attempts) })];
}
