import type { FlowSchema, PriorityLevelConfiguration } from "../../api/generated/types/flowcontrol-v1.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import { invariant } from "../../base/invariant.ts";
import type { Metrics } from "../../base/metrics.ts";
import { failure, type StatusError } from "../../meta/status-error.ts";
import type { UserInfo } from "../../meta/wire.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { RequestInfo } from "../request-info.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import { keyFor } from "../resources/served-resource.ts";
import { configurationOf } from "./configuration.ts";
import { boundsOf, divideLevels } from "./divide-levels.ts";
import type { Flow } from "./flow.ts";
import { FlowCounts } from "./flow-counts.ts";
import { defineFlowMetrics } from "./flow-metrics.ts";
import { FlowTable } from "./flow-table.ts";
import { PriorityLevel, sharesOf } from "./priority-level.ts";
import type { Ticket } from "./ticket.ts";
import { estimateWork, isWide, oneSeat, type Work } from "./work-estimate.ts";

export const SCHEMAS = "/registry/flowschemas/";
export const LEVELS = "/registry/prioritylevelconfigurations/";
/** @upstream apiserver/pkg/util/flowcontrol/apf_controller.go borrowingAdjustmentPeriod */
const ADJUST_MS = 10_000;

export interface FlowControlOptions {
  /** Seats of the whole server, which the levels share. */
  readonly totalSeats: number;
}

export interface FlowControlDeps {
  readonly cache: StateCache;
  readonly table: ResourceTable;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * Who is served now, who waits and who is turned away, as the FlowSchemas and PriorityLevelConfigurations in the cache
 * say. PERF: a request that finds a free seat passes without waiting for anything. @upstream KEP-1040
 */
export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #deps: FlowControlDeps;
  readonly #levels = new Map<string, PriorityLevel>();
  /** By level and schema. */
  readonly #counts = new Map<string, FlowCounts>();
  readonly inFlight = { readOnly: 0, mutating: 0 };
  fairFraction = 0;
  #table: FlowTable;
  /** What the objects were when they were last taken in. */
  #taken = "";

  constructor(options: FlowControlOptions, deps: FlowControlDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#table = this.#takeIn();
    for (const prefix of [SCHEMAS, LEVELS]) deps.cache.resource(prefix).subscribe({ notify: () => this.refresh() });
    defineFlowMetrics(this, deps.metrics);
  }

  get levels(): readonly PriorityLevel[] {
    return [...this.#levels.values()];
  }

  get counts(): Iterable<FlowCounts> {
    return this.#counts.values();
  }

  /** Takes in the objects as they stand in the cache. Called after it was loaded; then it follows by itself. */
  refresh(): void {
    if (this.#fingerprint() !== this.#taken) this.#table = this.#takeIn();
  }

  /** Moves seats between levels every ten seconds. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, ADJUST_MS, signal).catch(() => {});
      if (!signal.aborted) this.#adjust();
    }
  }

  flowOf(user: UserInfo, info: RequestInfo): Flow {
    return this.#table.flowOf(user, info);
  }

  /** A ticket of one that may go on, or that waits for its `turn`. Throws 429 when there is no room even to wait. */
  arrive(flow: Flow, user: UserInfo, info: RequestInfo, query: URLSearchParams): Ticket {
    const ticket = flow.level.set.arrive(flow, { info, user, work: this.#workOf(flow, info, query) });
    if (ticket === undefined) throw tooManyRequests();
    return ticket;
  }

  /** Resolves when a ticket that waits may go on. Rejects with 429 when it waited too long or its caller left. */
  turn(ticket: Ticket, withinMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: "time-out" | "cancelled"): void => {
        end();
        ticket.onTurn = undefined;
        ticket.desk.giveUp(ticket, reason);
        reject(tooManyRequests());
      };
      const onAbort = (): void => giveUp("cancelled");
      const cancelTimer = this.#deps.clock.after(withinMs, () => giveUp("time-out"));
      const end = (): void => {
        cancelTimer();
        signal.removeEventListener("abort", onAbort);
      };
      ticket.onTurn = () => {
        end();
        resolve();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #workOf({ level, counts }: Flow, info: RequestInfo, query: URLSearchParams): Work {
    const { resource } = info;
    if (resource === undefined || !isWide(info, query)) return oneSeat;
    const storage = this.#deps.table.get(resource.group, resource.version, resource.resource)?.storage;
    const reads = resource.verb === "list" || resource.verb === "watch";
    const watchers = reads || storage === undefined ? 0 : storage.cache.watchersOf(keyFor(storage, resource.namespace, resource.name));
    if (!reads) counts.watchers.observe(watchers);
    return estimateWork(resource, query, { objects: storage?.cache.size, watchers }, level.maxSeats);
  }

  #schemaObjects(): readonly FlowSchema[] {
    return [...this.#deps.cache.resource(SCHEMAS).range(SCHEMAS)].map(([, { object }]) => object as FlowSchema);
  }

  #levelObjects(): readonly PriorityLevelConfiguration[] {
    return [...this.#deps.cache.resource(LEVELS).range(LEVELS)].map(([, { object }]) => object as PriorityLevelConfiguration);
  }

  #fingerprint(): string {
    return [...this.#schemaObjects(), ...this.#levelObjects()].map(({ metadata }) => `${metadata.uid}:${metadata.generation}`).join(" ");
  }

  #takeIn(): FlowTable {
    this.#taken = this.#fingerprint();
    const { schemas, levels } = configurationOf(this.#schemaObjects(), this.#levelObjects());
    const wanted = new Set(levels.map(({ name }) => name));
    for (const [name, level] of this.#levels) {
      level.quiescing = !wanted.has(name);
      if (level.quiescing && level.set.isIdle) this.#drop(level);
    }
    // Levels that go keep their shares until they are empty.
    const parts = new Map(levels.map(({ name, spec }) => [name, sharesOf(spec)]));
    for (const level of this.#levels.values()) if (level.quiescing) parts.set(level.name, sharesOf(level.spec));
    let totalShares = 0;
    for (const { shares } of parts.values()) totalShares += shares;
    const whole = { totalSeats: this.#options.totalSeats, totalShares };
    for (const configuration of levels) {
      const bounds = boundsOf(sharesOf(configuration.spec), whole);
      const level = this.#levels.get(configuration.name);
      if (level === undefined) this.#levels.set(configuration.name, new PriorityLevel(configuration, bounds, this.#deps));
      else level.configure(configuration, bounds);
    }
    for (const level of this.#levels.values()) if (level.quiescing) level.resize(boundsOf(sharesOf(level.spec), whole));
    this.#adjust();
    const names = new Set(schemas.map(({ metadata }) => metadata.name));
    for (const [key, { schema, inQueue, executing }] of this.#counts) if (!names.has(schema) && inQueue === 0 && executing === 0) this.#counts.delete(key);
    return new FlowTable(schemas, { levelOf: (name) => this.#level(name), countsOf: (level, schema) => this.#countsOf(level, schema) });
  }

  #adjust(): void {
    const { clock } = this.#deps;
    for (const level of this.#levels.values()) {
      if (level.quiescing && level.set.isIdle) this.#drop(level);
      else level.set.demand.read(clock.now());
    }
    const { limits, fairFraction } = divideLevels(this.levels);
    this.fairFraction = fairFraction;
    for (const [level, limit] of limits) level.set.configure(level.overflow, limit);
  }

  #drop(level: PriorityLevel): void {
    this.#levels.delete(level.name);
    for (const [key, counts] of this.#counts) if (counts.level === level.name) this.#counts.delete(key);
  }

  #level(name: string): PriorityLevel {
    const level = this.#levels.get(name);
    invariant(level, "a schema is only used while its level is there");
    return level;
  }

  #countsOf({ name }: PriorityLevel, schema: string): FlowCounts {
    const key = `${name}\0${schema}`;
    let counts = this.#counts.get(key);
    if (counts === undefined) {
      counts = new FlowCounts(name, schema);
      this.#counts.set(key, counts);
    }
    return counts;
  }
}

/** @upstream apiserver/pkg/server/filters/maxinflight.go tooManyRequests */
function tooManyRequests(): StatusError {
  return failure("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 });
}
