import { checkOps, holds } from "../commit-rules.ts";
import { ConflictError, type Op, type StoreEntry, type StoreEvent } from "../contract.ts";
import type { Commit } from "../watch-feed.ts";
import type { Write } from "./database.ts";
import { MAX_KEY_BYTES, MAX_OPS, type Place, encodePlace, encodeRecord, logKey } from "./layout.ts";
import type { View } from "./view.ts";

/** What becomes of a commit: known when the transaction it was judged in is durable. */
export type Verdict =
  | { readonly revision: number }
  /** `firm`: judged by durable state alone, whatever becomes of the transaction. */
  | { readonly error: Error; readonly firm: boolean };

interface Standing {
  readonly place: Place;
  /** Known for what this plan itself has put. */
  readonly value: Uint8Array | undefined;
}

/** One transaction in the making: commits are judged against the view and what the commits before them will leave. */
export class CommitPlan {
  readonly commits: Commit[] = [];
  readonly writes: Write[] = [];
  readonly #view: View;
  readonly #valueOf: (place: Place) => Uint8Array | undefined;
  readonly #take: (length: number) => Buffer;
  readonly #changed = new Map<string, Standing>();
  #revision: number;
  #bytes = 0;

  /** `valueOf` gives the value that was put at a place when memory still has it; records are written to what `take` gives. */
  constructor(view: View, valueOf: (place: Place) => Uint8Array | undefined, take: (length: number) => Buffer) {
    this.#view = view;
    this.#valueOf = valueOf;
    this.#take = take;
    this.#revision = view.state.revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Where a key of this plan will stand. */
  changed(key: string): Place | undefined {
    return this.#changed.get(key)?.place;
  }

  add(ops: readonly Op[]): Verdict {
    const keys: Uint8Array[] = [];
    const before: (Place | undefined)[] = [];
    for (const op of ops) {
      const key = Buffer.from(op.key);
      const place = this.#changed.get(op.key)?.place ?? this.#view.place(key);
      const standing = place === undefined || place.deleted ? undefined : place;
      if (!holds(op.if, standing?.revision)) {
        return { error: new ConflictError(op.key, standing && this.#entry(op.key, standing)), firm: !this.#changed.has(op.key) };
      }
      keys.push(key);
      before.push(place);
    }
    const revision = this.#revision + 1;
    const events: StoreEvent[] = [];
    for (const [index, op] of ops.entries()) {
      const key = keys[index] as Uint8Array;
      const previous = before[index];
      const deleted = op.type === "delete";
      if (deleted && (previous === undefined || previous.deleted)) continue;
      const place = { revision, op: events.length, deleted };
      const value = deleted ? undefined : op.value;
      const record = encodeRecord(key, value, previous, this.#take);
      this.writes.push({ table: "log", key: logKey(revision, place.op), value: record, append: true }, { table: "index", key, value: encodePlace(place) });
      this.#changed.set(op.key, { place, value });
      this.#bytes += record.length;
      events.push(value === undefined ? { type: "delete", key: op.key, revision } : { type: "put", key: op.key, value, revision });
    }
    if (events.length === 0) return { revision: this.#revision };
    this.#revision = revision;
    this.commits.push({ revision, events });
    return { revision };
  }

  #entry(key: string, place: Place): StoreEntry | undefined {
    const value = this.#changed.get(key)?.value ?? this.#valueOf(place) ?? this.#view.record(place)?.value;
    return value === undefined ? undefined : { key, value, revision: place.revision };
  }
}

/** What LMDB cannot hold is refused before it gets near a transaction. */
export function checkSizes(ops: readonly Op[]): void {
  checkOps(ops);
  if (ops.length > MAX_OPS) throw new RangeError(`a commit has at most ${MAX_OPS} ops, not ${ops.length}`);
  for (const { key } of ops) {
    if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) throw new RangeError(`a key has at most ${MAX_KEY_BYTES} bytes: ${key.slice(0, 80)}…`);
  }
}
