import { ConflictError, type Op, type RangeOptions, type RangeResult, type Store, type StoreBatch, type StoreEntry, type StoreEvent } from "../contract.ts";
import type { Transformer } from "./transformer.ts";

/** How the values of a key are kept; undefined: as they are. */
export type TransformerFor = (key: string) => Transformer | undefined;

const PAGE = 500;

/**
 * A store whose values are sealed in the one below it, as an encryption configuration asks. Keys, revisions and
 * snapshots are those of the store below; so a snapshot is as secret as the store.
 */
export class EncryptedStore implements Store {
  readonly #inner: Store;
  readonly #transformerFor: TransformerFor;
  /** Plain values by what is stored for them: opened once, and the very bytes that a writer gave. */
  readonly #plain = new WeakMap<Uint8Array, Uint8Array>();

  constructor(options: { readonly transformerFor: TransformerFor }, deps: { readonly store: Store }) {
    this.#inner = deps.store;
    this.#transformerFor = options.transformerFor;
  }

  revision(): Promise<number> {
    return this.#inner.revision();
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const result = await this.#inner.range(prefix, options);
    const entries = result.entries.map((entry) => this.#opened(entry));
    return { ...result, entries: settled(entries) ?? (await allOf(entries)) };
  }

  async commit(ops: readonly Op[]): Promise<number> {
    try {
      return await this.#inner.commit(ops.map((op) => (op.type === "put" ? { ...op, value: this.#seal(op.key, op.value) } : op)));
    } catch (error) {
      if (error instanceof ConflictError && error.current !== undefined) throw new ConflictError(error.key, await this.#opened(error.current));
      throw error;
    }
  }

  /** PERF: one step more than the store below takes, not the several of a generator: what a commit changed must be told before the commit resolves. */
  watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): AsyncIterable<StoreBatch> {
    const inner = this.#inner.watch(prefix, options);
    return {
      [Symbol.asyncIterator]: () => {
        const batches = inner[Symbol.asyncIterator]();
        return {
          next: () =>
            batches.next().then((result) => {
              if (result.done === true) return result;
              const opened = this.#openedBatch(result.value);
              return opened instanceof Promise ? opened.then((value) => ({ done: false, value })) : { done: false, value: opened };
            }),
          return: (value) => batches.return?.(value) ?? Promise.resolve({ done: true, value: undefined }),
        };
      },
    };
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision);
  }

  snapshot(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#inner.snapshot(signal);
  }

  size(): Promise<number> {
    return this.#inner.size();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async isStale(key: string): Promise<boolean> {
    const transformer = this.#transformerFor(key);
    if (transformer === undefined) return false;
    const { entries } = await this.#inner.range(key, { limit: 1 });
    const [entry] = entries;
    return entry?.key === key && transformer.isStale(entry.value);
  }

  /** Seals anew what another key sealed, or none; so that a key can be taken out of the configuration afterwards. Resolves how many values. */
  async rewriteStale(prefix: string, signal: AbortSignal): Promise<number> {
    let rewritten = 0;
    let after: string | undefined;
    while (!signal.aborted) {
      const page = await this.#inner.range(prefix, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const entry of page.entries) {
        after = entry.key;
        const transformer = this.#transformerFor(entry.key);
        if (transformer?.isStale(entry.value) !== true || signal.aborted) continue;
        const { value } = await this.#opened(entry);
        try {
          await this.commit([{ type: "put", key: entry.key, value, if: { revision: entry.revision } }]);
          rewritten += 1;
        } catch (error) {
          // Somebody wrote it meanwhile, and so sealed it anew.
          if (!(error instanceof ConflictError)) throw error;
        }
      }
      if (!page.more) break;
    }
    return rewritten;
  }

  #seal(key: string, plain: Uint8Array): Uint8Array {
    const stored = this.#transformerFor(key)?.seal(key, plain) ?? plain;
    if (stored !== plain) this.#plain.set(stored, plain);
    return stored;
  }

  #openedBatch(batch: StoreBatch): StoreBatch | Promise<StoreBatch> {
    const events = batch.events.map((event) => (event.type === "put" ? this.#opened(event) : event));
    const now = settled<StoreEvent>(events);
    return now === undefined ? allOf<StoreEvent>(events).then((late) => ({ ...batch, events: late })) : { ...batch, events: now };
  }

  #opened<E extends StoreEntry>(entry: E): E | Promise<E> {
    const known = this.#plain.get(entry.value);
    if (known !== undefined) return { ...entry, value: known };
    const plain = this.#transformerFor(entry.key)?.open(entry.key, entry.value) ?? entry.value;
    return plain instanceof Uint8Array ? this.#remember(entry, plain) : plain.then((late) => this.#remember(entry, late));
  }

  #remember<E extends StoreEntry>(entry: E, plain: Uint8Array): E {
    if (plain === entry.value) return entry;
    this.#plain.set(entry.value, plain);
    return { ...entry, value: plain };
  }
}

/** PERF: with keys at hand nothing waits, and no promise is made for each value. Undefined when one has to be waited for. */
function settled<T extends object>(values: readonly (T | Promise<T>)[]): readonly T[] | undefined {
  return values.some((value) => value instanceof Promise) ? undefined : (values as readonly T[]);
}

const allOf = <T extends object>(values: readonly (T | Promise<T>)[]): Promise<T[]> => Promise.all(values.map((value) => Promise.resolve(value)));
