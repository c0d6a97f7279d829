import { localCondition } from "../../api/apiregistration/api-service.ts";
import { apiServices as resource } from "../../api/generated/resources.ts";
import type { APIService, APIServiceCondition } from "../../api/generated/types/apiregistration-v1.ts";
import type { EndpointSlice } from "../../api/generated/types/discovery-v1.ts";
import { type Clock, rfc3339, sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import { deepEqual } from "../../base/values.ts";
import type { Client } from "../../client/client.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { API_SERVICES, type ApiServices, remoteOf, type RemoteApiService } from "./api-services.ts";
import { AvailabilityMetrics } from "./availability-metrics.ts";
import { type AvailabilityDeps, checkAvailability } from "./check-availability.ts";
import type { Finding } from "./check-service.ts";
import { SERVICES } from "./resolve-service.ts";
import { serviceOf, SLICES } from "./slices-of-service.ts";
import { workOff } from "./work-off.ts";

const CHECK_EVERY_MS = 30_000;
const WORKERS = 5;

export interface AvailabilityReconcilerDeps extends AvailabilityDeps {
  readonly cache: StateCache;
  readonly apiServices: ApiServices;
  readonly client: Pick<Client, "update">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Learns what a server serves, before others are told that it is there. Must not throw. */
  learn(remote: RemoteApiService, signal: AbortSignal): Promise<void>;
}

/**
 * Tells in the status of every APIService whether it is available: at once when the APIService, its service or the
 * service's endpoints change, and every 30 s. @upstream kube-aggregator/pkg/controllers/status
 */
export class AvailabilityReconciler {
  readonly #deps: AvailabilityReconcilerDeps;
  readonly #metrics: AvailabilityMetrics;
  readonly #queue: WorkQueue;
  /** `ns/name` of a service to the APIServices that name it. */
  readonly #byService = new Map<string, Set<string>>();
  readonly #serviceOf = new Map<string, string>();

  constructor(deps: AvailabilityReconcilerDeps) {
    this.#deps = deps;
    this.#metrics = new AvailabilityMetrics(deps.metrics);
    this.#queue = new WorkQueue({ name: "APIServiceAvailability", baseDelayMs: 50, maxDelayMs: 30_000 }, deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { cache, clock, log } = this.#deps;
    const unsubscribe = [
      cache.resource(API_SERVICES).subscribe({
        notify: (events) => {
          for (const { type, entry, previous } of events) {
            const name = entry.key.slice(API_SERVICES.length);
            this.#file(name, type === "DELETED" ? undefined : (entry.object as APIService));
            if (type !== "MODIFIED" || previous === undefined || hasNews(entry.object as APIService, previous.object as APIService)) this.#queue.add(name);
          }
        },
      }),
      cache.resource(SERVICES).subscribe({
        notify: (events) => {
          for (const { entry } of events) this.#serviceChanged(entry.key.slice(SERVICES.length));
        },
      }),
      cache.resource(SLICES).subscribe({
        notify: (events) => {
          for (const { entry, previous } of events) for (const one of [entry, previous]) if (one !== undefined) this.#serviceChanged(serviceOf(one.object as EndpointSlice) ?? "");
        },
      }),
    ];
    const timer = (async (): Promise<void> => {
      while (!signal.aborted) {
        for (const object of this.#deps.apiServices.all()) {
          this.#file(object.metadata.name ?? "", object);
          this.#queue.add(object.metadata.name ?? "");
        }
        await sleep(clock, CHECK_EVERY_MS, signal).catch(() => {});
      }
    })();
    await Promise.all([timer, workOff(this.#queue, { workers: WORKERS, what: "APIService" }, (name) => this.#reconcile(name, signal), { log, signal })]);
    for (const end of unsubscribe) end();
  }

  #file(name: string, object: APIService | undefined): void {
    const { service } = object?.spec ?? {};
    const now = service === undefined ? undefined : `${service.namespace ?? ""}/${service.name ?? ""}`;
    const before = this.#serviceOf.get(name);
    if (before === now) return;
    if (before !== undefined) {
      const names = this.#byService.get(before);
      names?.delete(name);
      if (names?.size === 0) this.#byService.delete(before);
      this.#serviceOf.delete(name);
    }
    if (now === undefined) return;
    this.#serviceOf.set(name, now);
    this.#byService.set(now, (this.#byService.get(now) ?? new Set()).add(name));
  }

  #serviceChanged(service: string): void {
    for (const name of this.#byService.get(service) ?? []) this.#queue.add(name);
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<void> {
    const object = this.#deps.apiServices.get(name);
    if (object === undefined) {
      this.#metrics.forget(name);
      return;
    }
    const remote = remoteOf(object);
    if (remote === undefined) {
      await this.#tell(object, localCondition);
      return;
    }
    const finding = await checkAvailability(remote, this.#deps, signal);
    if (finding.status === "True") await this.#deps.learn(remote, signal);
    this.#metrics.found(name, finding, remote.isAvailable);
    await this.#tell(object, finding);
    // What was asked in vain is asked again sooner than the next round.
    if (finding.reason === "FailedDiscoveryCheck") throw new Error(finding.message);
  }

  async #tell(object: APIService, finding: Finding): Promise<void> {
    const conditions = withCondition(object.status?.conditions ?? [], finding, this.#deps.clock.now());
    if (deepEqual(conditions, object.status?.conditions ?? [])) return;
    await this.#deps.client.update(resource, { ...object, status: { ...object.status, conditions } }, { subresource: "status" });
  }
}

/** Whether a change is more than what this reconciler itself has just written. */
function hasNews(now: APIService, before: APIService): boolean {
  return !deepEqual(now.spec, before.spec) || deepEqual(now.status, before.status);
}

/** The conditions with Available as it was found; its time changes only with its status. */
export function withCondition(before: readonly APIServiceCondition[], { status, reason, message }: Finding, nowMs: number): readonly APIServiceCondition[] {
  const known = before.find(({ type }) => type === "Available");
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : rfc3339(nowMs);
  const condition = { ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }), message, reason, status, type: "Available" };
  return known === undefined ? [...before, condition] : before.map((one) => (one === known ? condition : one));
}
