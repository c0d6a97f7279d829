import { StoreCorruptedError } from "./errors.ts";
import { type LogRecord, type Place, type StoreState, decodePlace, decodePrevious, decodeRecord, logKey, logKeyOp, logKeyRevision } from "./layout.ts";

/** The part of lmdb's read transaction that a view needs; counted references. */
export interface ReadTransaction {
  use(): void;
  done(): void;
}

interface ReadOptions {
  readonly transaction: ReadTransaction;
}

/** The part of an lmdb database that is used, with binary keys and values. */
interface Table {
  getBinary(key: Uint8Array, options: ReadOptions): Uint8Array | undefined;
  /** The bytes hold until the next read. */
  getBinaryFast(key: Uint8Array, options: ReadOptions): Uint8Array | undefined;
  getRange(
    options: ReadOptions & { readonly start?: Uint8Array; readonly end?: Uint8Array; readonly limit?: number },
  ): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
  getKeys(options: ReadOptions & { readonly start?: Uint8Array }): Iterable<Uint8Array>;
  put(key: Uint8Array, value: Uint8Array, options?: { readonly append: boolean }): Promise<boolean>;
  remove(key: Uint8Array): Promise<boolean>;
}

export interface Tables {
  readonly root: Table;
  readonly index: Table;
  readonly log: Table;
}

/** The state as one transaction left it. Whoever keeps it across a turn of the event loop retains it, and releases it once. */
export class View {
  readonly state: StoreState;
  readonly #path: string;
  readonly #tables: Tables;
  readonly #options: ReadOptions;

  constructor(path: string, tables: Tables, transaction: ReadTransaction, state: StoreState) {
    this.#path = path;
    this.#tables = tables;
    this.#options = { transaction };
    this.state = state;
  }

  retain(): this {
    this.#options.transaction.use();
    return this;
  }

  release(): void {
    this.#options.transaction.done();
  }

  /** What a table holds at a key. */
  bytes(table: keyof Tables, key: Uint8Array): Uint8Array | undefined {
    return this.#guard(() => this.#tables[table].getBinary(key, this.#options));
  }

  /** Where the newest version of a key stands; undefined when it never was, or was deleted long ago. */
  place(key: Uint8Array): Place | undefined {
    return this.#guard(() => {
      const bytes = this.#tables.index.getBinaryFast(key, this.#options);
      return bytes === undefined ? undefined : decodePlace(bytes);
    });
  }

  /** Keys from `from` to below `to`, deleted ones too, in order. */
  places(from: Uint8Array, to: Uint8Array | undefined, limit: number): { readonly key: Uint8Array; readonly place: Place }[] {
    return this.#guard(() => {
      const found: { readonly key: Uint8Array; readonly place: Place }[] = [];
      const bounds = { ...(from.length === 0 ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) };
      for (const { key, value } of this.#tables.index.getRange({ ...bounds, limit, ...this.#options })) found.push({ key, place: decodePlace(value) });
      return found;
    });
  }

  /** Undefined when it is compacted away. */
  record(place: Place): LogRecord | undefined {
    return this.#guard(() => {
      const bytes = this.#tables.log.getBinary(logKey(place.revision, place.op), this.#options);
      return bytes === undefined ? undefined : decodeRecord(bytes);
    });
  }

  /** What a key held at an older revision, beginning from what it holds now. */
  placeAt(place: Place, revision: number): Place | undefined {
    return this.#guard(() => {
      let at: Place | undefined = place;
      while (at !== undefined && at.revision > revision) {
        const bytes = this.#tables.log.getBinaryFast(logKey(at.revision, at.op), this.#options);
        at = bytes === undefined ? undefined : decodePrevious(bytes);
      }
      return at;
    });
  }

  /** The log above `after`, oldest first; do not keep the iteration across a turn. */
  *log(after: number): IterableIterator<{ readonly revision: number; readonly op: number; readonly record: LogRecord }> {
    for (const { key, value } of this.#tables.log.getRange({ start: logKey(after + 1, 0), ...this.#options })) {
      yield { revision: logKeyRevision(key), op: logKeyOp(key), record: decodeRecord(value) };
    }
  }

  /**
   * The same without the values, which are not copied. Each holds until the next read. PERF: cleaning up looks at every
   * record once.
   */
  *heads(after: number): IterableIterator<{ readonly revision: number; readonly op: number; readonly head: Uint8Array }> {
    for (const key of this.#tables.log.getKeys({ start: logKey(after + 1, 0), ...this.#options })) {
      const head = this.#tables.log.getBinaryFast(key, this.#options);
      if (head !== undefined) yield { revision: logKeyRevision(key), op: logKeyOp(key), head };
    }
  }

  #guard<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code === "number" && code < -30_000) throw new StoreCorruptedError(this.#path, "is damaged", { cause: error });
      throw error;
    }
  }
}
