import { StoreUnavailableError, type Op } from "../contract.ts";
import type { WatchFeed } from "../watch-feed.ts";
import { CommitPlan, type Verdict } from "./commit-plan.ts";
import type { LmdbDatabase } from "./database.ts";
import type { History } from "./history.ts";
import type { Place } from "./layout.ts";
import { scrub } from "./scrub.ts";

export interface GroupCommitOptions {
  readonly history: History;
}

export interface GroupCommitDeps {
  readonly database: Pick<LmdbDatabase, "view" | "write">;
  readonly feed: WatchFeed;
  readonly now: () => number;
  readonly valueOf: (place: Place) => Uint8Array | undefined;
}

interface Waiting {
  readonly ops: readonly Op[];
  readonly resolve: (revision: number) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_WAITING = 100_000;
const MAX_GROUP_COMMITS = 2_000;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Log entries looked at for each one written, so that cleaning keeps ahead of writing, and at least. */
const SCRUB_RATIO = 3;
const SCRUB_LEAST = 16;
/** When somebody waits for a compaction. */
const SCRUB_URGENT = 2_000;

/**
 * The single writer. While one transaction is on its way to the disk, commits gather; then all of them are judged in
 * order and become the next one. Cleaning up rides along in the same transactions.
 */
export class GroupCommit {
  readonly #history: History;
  readonly #deps: GroupCommitDeps;
  #waiting: Waiting[] = [];
  #compactions: { readonly revision: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: GroupCommitOptions, deps: GroupCommitDeps) {
    this.#history = options.history;
    this.#deps = deps;
  }

  commit(ops: readonly Op[]): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(new StoreUnavailableError("the store is closed"));
      else if (this.#waiting.length >= MAX_WAITING) reject(new StoreUnavailableError("the disk is too slow: too many commits wait for it"));
      else {
        this.#waiting.push({ ops, resolve, reject });
        this.#start();
      }
    });
  }

  /** Resolves when nothing of what only older revisions could see is left. */
  compact(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(new StoreUnavailableError("the store is closed"));
      else {
        this.#compactions.push({ revision, resolve, reject });
        this.#start();
      }
    });
  }

  /** Resolves when everything that waits is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    try {
      do {
        await new Promise((resolve) => setImmediate(resolve));
        await this.#round();
      } while (this.#waiting.length > 0 || this.#compactions.length > 0);
    } finally {
      this.#running = undefined;
    }
  }

  /** One transaction: what waits now, as far as it fits. */
  async #round(): Promise<void> {
    const { database, feed } = this.#deps;
    const { view } = database;
    const plan = new CommitPlan(view, this.#deps.valueOf);
    const group: { readonly waiting: Waiting; readonly verdict: Verdict }[] = [];
    while (group.length < this.#waiting.length && group.length < MAX_GROUP_COMMITS && plan.bytes < MAX_GROUP_BYTES) {
      const waiting = this.#waiting[group.length] as Waiting;
      group.push({ waiting, verdict: judge(plan, waiting.ops) });
    }
    this.#waiting = group.length === this.#waiting.length ? [] : this.#waiting.slice(group.length);

    let failure: unknown;
    try {
      if (plan.writes.length > 0 || this.#compactions.length > 0) await this.#write(plan);
    } catch (error) {
      failure = error;
    }

    if (failure === undefined) {
      const delivered = feed.publish(plan.commits);
      feed.compact(database.view.state.compacted);
      if (delivered !== undefined) await delivered;
    }
    for (const { waiting, verdict } of group) settle(waiting, verdict, failure);
    this.#settleCompactions(failure);
  }

  async #write(plan: CommitPlan): Promise<void> {
    const { database, now } = this.#deps;
    const { view } = database;
    const requested = Math.max(0, ...this.#compactions.map((compaction) => compaction.revision));
    const compacted = Math.max(view.state.compacted, requested, this.#history.floor(plan.revision, now()));
    const budget = this.#compactions.length > 0 ? SCRUB_URGENT : Math.max(SCRUB_LEAST, plan.writes.length * SCRUB_RATIO);
    const { writes, scrubbed } = scrub(view, Math.min(compacted, view.state.revision), budget, (key) => plan.changed(key));
    await database.write([...plan.writes, ...writes], { revision: plan.revision, compacted, scrubbed });
  }

  #settleCompactions(failure: unknown): void {
    const { scrubbed } = this.#deps.database.view.state;
    const done = this.#compactions.filter((compaction) => failure !== undefined || scrubbed >= compaction.revision);
    this.#compactions = this.#compactions.filter((compaction) => !done.includes(compaction));
    for (const { resolve, reject } of done) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }
}

function judge(plan: CommitPlan, ops: readonly Op[]): Verdict {
  try {
    return plan.add(ops);
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)), firm: true };
  }
}

function settle(waiting: Waiting, verdict: Verdict, failure: unknown): void {
  if ("error" in verdict && (verdict.firm || failure === undefined)) waiting.reject(verdict.error);
  else if (failure !== undefined) waiting.reject(failure);
  else if ("revision" in verdict) waiting.resolve(verdict.revision);
}
