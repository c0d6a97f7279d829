import type { Op, StoreEntry, StoreEvent } from "./contract.ts";

/** The dumbest store there is: a list of commits, read from the beginning for every question. Only tests use it. */
export class TwinStore {
  readonly #commits: { readonly revision: number; readonly events: readonly StoreEvent[] }[] = [];
  readonly #start: number;
  compacted = 0;

  constructor(start: number) {
    this.#start = start;
  }

  get revision(): number {
    return this.#commits.at(-1)?.revision ?? this.#start;
  }

  range(prefix: string, at: number): StoreEntry[] {
    const state = new Map<string, StoreEntry>();
    for (const { revision, events } of this.#commits) {
      if (revision > at) continue;
      for (const event of events) {
        if (event.type === "put") state.set(event.key, { key: event.key, value: event.value, revision });
        else state.delete(event.key);
      }
    }
    return [...state.values()].filter((entry) => entry.key.startsWith(prefix)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  events(prefix: string, since: number): StoreEvent[] {
    return this.#commits.filter((commit) => commit.revision > since).flatMap((commit) => commit.events.filter((event) => event.key.startsWith(prefix)));
  }

  /** The revision, or `conflict KEY REVISION_THAT_STANDS`. */
  commit(ops: readonly Op[]): number | string {
    const current = (key: string): StoreEntry | undefined => this.range(key, this.revision).find((entry) => entry.key === key);
    for (const op of ops) {
      const standing = current(op.key)?.revision;
      const wanted = op.if === undefined ? standing : op.if === "absent" ? undefined : op.if.revision;
      if (wanted !== standing) return `conflict ${op.key} ${standing}`;
    }
    const revision = this.revision + 1;
    const events = ops.flatMap((op): StoreEvent[] => {
      if (op.type === "put") return [{ type: "put", key: op.key, value: op.value, revision }];
      return current(op.key) === undefined ? [] : [{ type: "delete", key: op.key, revision }];
    });
    if (events.length === 0) return this.revision;
    this.#commits.push({ revision, events });
    return revision;
  }
}
