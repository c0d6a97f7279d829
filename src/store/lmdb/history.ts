export interface HistoryOptions {
  /** At least this many revisions are kept. Default 10,000. */
  readonly revisions?: number;
  /** So are those younger than this. Default 5 minutes. */
  readonly ageMs?: number;
  /** But never more than this many. Default 100,000. */
  readonly maxRevisions?: number;
}

/** Decides how far back one can look. Remembers a revision per second, since when each was the newest. */
export class History {
  readonly #revisions: number;
  readonly #ageMs: number;
  readonly #maxRevisions: number;
  /** Oldest first; at most one per second of `ageMs`, and one beyond. */
  readonly #seen: { readonly atMs: number; readonly revision: number }[] = [];

  constructor(options: HistoryOptions = {}) {
    this.#revisions = options.revisions ?? 10_000;
    this.#ageMs = options.ageMs ?? 300_000;
    this.#maxRevisions = Math.max(this.#revisions, options.maxRevisions ?? 100_000);
  }

  /** The revision to compact to, when `revision` is the newest at `nowMs`. */
  floor(revision: number, nowMs: number): number {
    const seen = this.#seen;
    if (nowMs - (seen.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= 1_000) seen.push({ atMs: nowMs, revision });
    while (seen.length > 1 && nowMs - (seen[1]?.atMs ?? nowMs) > this.#ageMs) seen.shift();
    const oldest = seen[0];
    const old = oldest !== undefined && nowMs - oldest.atMs > this.#ageMs ? oldest.revision : 0;
    return Math.max(0, revision - this.#maxRevisions, Math.min(revision - this.#revisions, old));
  }
}
