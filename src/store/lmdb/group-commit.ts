import { StoreUnavailableError, type Op } from "../contract.ts";
import type { Commit, WatchFeed } from "../watch-feed.ts";
import { CommitPlan, type Verdict } from "./commit-plan.ts";
import type { LmdbDatabase } from "./database.ts";
import type { History } from "./history.ts";
import type { Place, StoreState } from "./layout.ts";
import { RecordSpace } from "./record-space.ts";
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

/** One transaction and whose commits are in it. */
interface Round {
  readonly plan: CommitPlan;
  readonly group: readonly { readonly waiting: Waiting; readonly verdict: Verdict }[];
  /** Resolves once it is durable, or with why it is not. */
  readonly written: Promise<Outcome>;
}

type Outcome = { readonly state: StoreState } | { readonly failure: unknown };

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
  /** One transaction at a time writes from it. */
  readonly #records = new RecordSpace();
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
        await turn();
        let round = this.#begin([]);
        let outcome = await round.written;
        // PERF: the disk is at work on what waits already while the news of what is durable go their ways.
        while ("state" in outcome && this.#waiting.length > 0 && this.#compactions.length === 0) {
          const next = this.#begin(round.plan.commits);
          // lmdb begins to write at the end of this turn; telling fills the next.
          await turn();
          await this.#tell(round, outcome);
          round = next;
          outcome = await round.written;
        }
        await this.#tell(round, outcome);
      } while (this.#waiting.length > 0 || this.#compactions.length > 0);
    } finally {
      this.#running = undefined;
    }
  }

  /** Judges what waits now, as far as it fits, by what is durable, and begins to write it. `untold`: durable commits that the feed does not have yet. */
  #begin(untold: readonly Commit[]): Round {
    const { database } = this.#deps;
    this.#records.clear();
    const plan = new CommitPlan(
      database.view,
      (place) => valueIn(untold, place) ?? this.#deps.valueOf(place),
      (length) => this.#records.take(length),
    );
    const group: { readonly waiting: Waiting; readonly verdict: Verdict }[] = [];
    while (group.length < this.#waiting.length && group.length < MAX_GROUP_COMMITS && plan.bytes < MAX_GROUP_BYTES) {
      const waiting = this.#waiting[group.length] as Waiting;
      group.push({ waiting, verdict: judge(plan, waiting.ops) });
    }
    this.#waiting = group.length === this.#waiting.length ? [] : this.#waiting.slice(group.length);
    const writing = plan.writes.length > 0 || this.#compactions.length > 0 ? this.#write(plan) : Promise.resolve();
    const written = writing.then(
      () => ({ state: database.view.state }),
      (failure: unknown) => ({ failure }),
    );
    return { plan, group, written };
  }

  /** Watchers first, then those who wait. */
  async #tell({ plan, group }: Round, outcome: Outcome): Promise<void> {
    const { feed } = this.#deps;
    const isDurable = "state" in outcome;
    if (isDurable) {
      const delivered = feed.publish(plan.commits);
      feed.compact(outcome.state.compacted);
      if (delivered !== undefined) await delivered;
    }
    for (const { waiting, verdict } of group) settle(waiting, verdict, isDurable ? undefined : outcome.failure);
    this.#settleCompactions(outcome);
  }

  async #write(plan: CommitPlan): Promise<void> {
    const { database, now } = this.#deps;
    const { view } = database;
    const requested = Math.max(0, ...this.#compactions.map((compaction) => compaction.revision));
    const compacted = Math.max(view.state.compacted, requested, this.#history.floor(plan.revision, now()));
    const budget = this.#compactions.length > 0 ? SCRUB_URGENT : Math.max(SCRUB_LEAST, plan.writes.length * SCRUB_RATIO);
    const { writes, scrubbed } = scrub(view, Math.min(compacted, view.state.revision), budget, (key) => plan.changed(key));
    await database.write(writes.length === 0 ? plan.writes : [...plan.writes, ...writes], { revision: plan.revision, compacted, scrubbed });
  }

  #settleCompactions(outcome: Outcome): void {
    if (this.#compactions.length === 0) return;
    const done = this.#compactions.filter((compaction) => "failure" in outcome || outcome.state.scrubbed >= compaction.revision);
    this.#compactions = this.#compactions.filter((compaction) => !done.includes(compaction));
    for (const { resolve, reject } of done) {
      if ("failure" in outcome) reject(outcome.failure);
      else resolve();
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function valueIn(commits: readonly Commit[], place: Place): Uint8Array | undefined {
  const [first] = commits;
  const event = first && commits[place.revision - first.revision]?.events[place.op];
  return event?.type === "put" ? event.value : undefined;
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
