import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ABORT, open, type RootDatabase } from "lmdb";
import { invariant } from "../../base/invariant.ts";
import { StoreUnavailableError } from "../contract.ts";
import { StoreCorruptedError } from "./errors.ts";
import { checkDataFile } from "./file-header.ts";
import { FORMAT, type StoreState, decodeState, encodeState } from "./layout.ts";
import { type ReadTransaction, type Tables, View } from "./view.ts";

/** One change; without `value` the key is removed. `append` promises that the key is above all others of its table. */
export interface Write {
  readonly table: keyof Tables;
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  readonly append?: boolean;
}

export interface LmdbDatabaseDeps {
  /** Has the last word on whether a flushed transaction is durable; tests let it fail. */
  readonly confirm?: () => Promise<void>;
}

const FORMAT_KEY = Buffer.from("keles");
const STATE_KEY = Buffer.from("state");
const MAP_BYTES = 16 * 2 ** 30;
const MAX_READERS = 1_024;
const BINARY = { encoding: "binary", keyEncoding: "binary" } as const;

/** LMDB error codes after which the environment is sound: nothing was written. */
const HARMLESS = new Set([5, 28, 27, 122, -30792, -30788]);

/**
 * The LMDB environment: durable transactions one at a time, and views of what they left behind. Nothing of a failed
 * transaction is ever seen: reads go through the view of the newest durable one.
 */
export class LmdbDatabase {
  readonly #path: string;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #tables: Tables;
  #view: View;
  /** Why nothing is written any more. */
  #failed: string | undefined;
  /** What a failed transaction has made visible. */
  #visible: readonly Write[] | undefined;
  /** lmdb still waits for the flush of a transaction that failed. */
  #flushLost = false;
  readonly #confirm: () => Promise<void>;

  private constructor(path: string, root: RootDatabase<Uint8Array, Uint8Array>, state: StoreState, deps: LmdbDatabaseDeps) {
    this.#confirm = deps.confirm ?? (() => Promise.resolve());
    this.#path = path;
    this.#root = root;
    this.#tables = {
      root: root as unknown as Tables["root"],
      index: root.openDB({ name: "index", ...BINARY }) as unknown as Tables["index"],
      log: root.openDB({ name: "log", ...BINARY }) as unknown as Tables["log"],
    };
    this.#view = this.#newView(state);
  }

  /** Opens or makes the database in a directory. `restoring` makes one that counts as damaged until its `finish`. */
  static async open(path: string, options: { readonly mapBytes?: number; readonly restoring?: boolean } = {}, deps: LmdbDatabaseDeps = {}): Promise<LmdbDatabase> {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    checkDataFile(join(path, "data.mdb"));
    const settings = { path, ...BINARY, mapSize: options.mapBytes ?? MAP_BYTES, maxDbs: 4, maxReaders: MAX_READERS, safeRestore: true, eventTurnBatching: false, noSubdir: false };
    let root: RootDatabase<Uint8Array, Uint8Array> | undefined;
    let database: LmdbDatabase | undefined;
    try {
      root = open<Uint8Array, Uint8Array>(settings);
      const known = readFormat(path, root);
      if (options.restoring === true && known) throw new StoreCorruptedError(path, "is not empty", { remedy: "restore into an empty data directory" });
      const state = known ? decodeState(root.getBinary(STATE_KEY) ?? new Uint8Array(0)) : { serial: 0, revision: 1, compacted: 0, scrubbed: 0 };
      if (state === undefined) throw new StoreCorruptedError(path, "has lost its state record");
      database = new LmdbDatabase(path, root, state, deps);
      if (!known) await database.write([formatMark(options.restoring === true)], state);
      return database;
    } catch (error) {
      await (database ?? root)?.close();
      if (error instanceof StoreCorruptedError || error instanceof StoreUnavailableError) throw error;
      const { code } = error as { code?: unknown };
      if (typeof code === "number" && code < -30_000) throw new StoreCorruptedError(path, "is damaged", { cause: error });
      throw error;
    }
  }

  /** The newest durable state; valid until the next `write` unless retained. */
  get view(): View {
    return this.#view;
  }

  /** Resolves when all of it would survive a power cut. Rejects with StoreUnavailableError, and then stores nothing of it. */
  async write(writes: readonly Write[], next: Omit<StoreState, "serial">): Promise<void> {
    if (this.#failed !== undefined)
      throw new StoreUnavailableError(`the store cannot write since an earlier failure (${this.#failed}); it works again when restarted on a sound disk`);
    const state: StoreState = { ...next, serial: this.#view.state.serial + 1 };
    try {
      await this.#transact(writes, state);
      await this.#confirm();
    } catch (error) {
      const reason = await this.#afterFailure(error);
      if (this.#failed !== undefined) {
        this.#visible = writes;
        await this.#undo();
      }
      throw new StoreUnavailableError(`the store cannot write: ${reason}`, { cause: error });
    }
    const before = this.#view;
    this.#view = this.#newView(state);
    before.release();
  }

  /** What was opened as `restoring` is whole now. */
  async finish(next: Omit<StoreState, "serial">): Promise<void> {
    await this.write([formatMark(false)], next);
  }

  /** Bytes of the data file on the disk. */
  size(): number {
    return statSync(join(this.#path, "data.mdb")).blocks * 512;
  }

  /** Views must have been released. */
  async close(): Promise<void> {
    if (this.#visible !== undefined) await this.#undo();
    // After a failed transaction lmdb waits for its flush for ever; one that succeeds lets it forget.
    else if (this.#flushLost && this.#failed === undefined) await this.write([], this.#view.state).catch(() => {});
    this.#view.release();
    if (this.#flushLost) (this.#root as unknown as { readonly env: { close(): void } }).env.close();
    else await this.#root.close();
  }

  async #transact(writes: readonly Write[], state: StoreState): Promise<void> {
    const appends: Promise<boolean>[] = [];
    this.#flushLost = true;
    const committed = this.#root.batch(() => {
      for (const { table, key, value, append } of writes) {
        if (value === undefined) void this.#tables[table].remove(key);
        else if (append === true) appends.push(this.#tables[table].put(key, value, { append }));
        else void this.#tables[table].put(key, value);
      }
      void this.#tables.root.put(STATE_KEY, encodeState(state));
    });
    try {
      const [, ...appended] = await Promise.all([committed, ...appends]);
      await this.#root.flushed;
      if (appended.includes(false)) throw new StoreCorruptedError(this.#path, "has a log that is out of order");
    } catch (error) {
      await Promise.allSettled(appends);
      throw error;
    }
    this.#flushLost = false;
  }

  /**
   * A transaction that became visible but not durable would be flushed when LMDB closes. Puts back what was there
   * before; on a disk that is still failing this fails too, and then nothing newer than the view is ever flushed.
   */
  async #undo(): Promise<void> {
    if (this.#visible === undefined || !this.#canBegin()) return;
    const before = this.#visible.map(({ table, key }): Write => {
      const value = this.#view.bytes(table, key);
      return value === undefined ? { table, key } : { table, key, value };
    });
    try {
      await this.#transact(before, this.#view.state);
      this.#visible = undefined;
    } catch (error) {
      await (error as { commitError?: Promise<unknown> }).commitError?.catch(() => {});
    }
  }

  #newView(state: StoreState): View {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const transaction = this.#root.useReadTransaction() as unknown as ReadTransaction;
      const bytes = this.#tables.root.getBinary(STATE_KEY, { transaction });
      const serial = bytes === undefined ? 0 : decodeState(bytes)?.serial;
      if (serial === state.serial) return new View(this.#path, this.#tables, transaction, state);
      transaction.done();
      this.#root.resetReadTxn();
    }
    invariant(false, "a durable transaction is not visible");
    throw new Error("unreachable");
  }

  /** Finds out whether the store may go on, and says what happened. */
  async #afterFailure(error: unknown): Promise<string> {
    const { commitError } = error as { commitError?: Promise<unknown> };
    // It rejects with what LMDB said, a moment later than the commit.
    const cause = commitError === undefined ? error : await settledSoon(commitError);
    const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
    const reason = typeof message === "string" ? message : "the disk did not take it";
    if (this.#failed === undefined && !(typeof code === "number" && HARMLESS.has(code) && this.#isSound())) this.#failed = reason;
    return reason;
  }

  /** Nothing of the failed transaction is visible, and another one can begin. */
  #isSound(): boolean {
    try {
      this.#root.resetReadTxn();
      const bytes = this.#root.getBinary(STATE_KEY);
      if ((bytes === undefined ? 0 : decodeState(bytes)?.serial) !== this.#view.state.serial) return false;
      return this.#canBegin();
    } catch {
      return false;
    }
  }

  /** Where a transaction cannot begin, lmdb's writer would wait for ever. */
  #canBegin(): boolean {
    try {
      this.#root.transactionSync(() => ABORT);
      return true;
    } catch {
      return false;
    }
  }
}

/** The reason of a rejection; undefined when none comes within a second. */
async function settledSoon(rejecting: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, 1_000, undefined);
  });
  const reason = await Promise.race([rejecting.catch((error: unknown) => error), late]);
  clearTimeout(timer);
  return reason;
}

const formatMark = (restoring: boolean): Write => ({
  table: "root",
  key: FORMAT_KEY,
  value: Buffer.from(JSON.stringify(restoring ? { format: FORMAT, restoring } : { format: FORMAT })),
});

/** Whether this is a database of ours; an empty one is not yet. */
function readFormat(path: string, root: RootDatabase<Uint8Array, Uint8Array>): boolean {
  const bytes = root.getBinary(FORMAT_KEY);
  if (bytes === undefined) {
    for (const key of root.getKeys({ limit: 1 })) {
      throw new StoreCorruptedError(path, `holds a database of something else (it has a key ${Buffer.from(key).toString("latin1")})`, { remedy: "choose another data directory" });
    }
    return false;
  }
  const { format, restoring } = parse(bytes);
  if (restoring === true) throw new StoreCorruptedError(path, "holds a restore that was interrupted", { remedy: "remove the directory and restore again" });
  if (format === FORMAT) return true;
  throw new StoreCorruptedError(path, `is of format ${String(format)}, this version of keles reads format ${FORMAT}`, { remedy: "use the version of keles that wrote it" });
}

function parse(bytes: Uint8Array): { readonly format?: unknown; readonly restoring?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
