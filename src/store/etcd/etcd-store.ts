import { setTimeout as delay } from "node:timers/promises";
import { checkOps, holds, rangeStart } from "../commit-rules.ts";
import {
  CompactedError,
  ConflictError,
  FutureRevisionError,
  type Op,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoreBatch,
  type StoreEntry,
  type StoreEvent,
  StoreUnavailableError,
} from "../contract.ts";
import { decodeSnapshot, encodeSnapshot } from "../snapshot-format.ts";
import { EtcdClient, type EtcdClientOptions, isUnavailable } from "./etcd-client.ts";
import type { Compare, KeyValue, RequestOp, TxnResponse, WatchResponse } from "./generated/messages.ts";
import { GrpcError, grpcCodes } from "./grpc-connection.ts";
import { allKeys, keyRange } from "./key-range.ts";

const PAGE_KEYS = 1_000;
/** etcd's default; it may have been given more. */
const MAX_REQUEST_BYTES = 1_572_864;
const RESTORE_OPS = 100;
const RESTORE_BYTES = 512 * 1024;
const MAX_BACKOFF_MS = 2_000;
const COMPARE_EQUAL = 0;
const COMPARE_MOD_REVISION = 2;
const EVENT_DELETE = 1;

/**
 * The contract over a real etcd (3.4 or later), which several control planes may share. Limits are etcd's own: 128 ops in
 * a commit unless it runs with more `--max-txn-ops`, and 1.5 MiB unless with more `--max-request-bytes`.
 *
 * One promise is weaker here: when the connection breaks while a commit is under way, it rejects with
 * StoreUnavailableError although etcd may have stored it. Conditions make it safe to look and try again.
 */
export class EtcdStore implements Store {
  readonly #client: EtcdClient;
  readonly #closed = new AbortController();

  private constructor(client: EtcdClient) {
    this.#client = client;
  }

  /** Rejects with StoreUnavailableError when no member answers in time. */
  static async open(options: EtcdClientOptions): Promise<EtcdStore> {
    const store = new EtcdStore(new EtcdClient(options));
    try {
      await store.revision();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Fills an etcd that holds nothing. Revisions are counted anew: etcd gives them. When it breaks off, begin again with a new etcd. */
  static async restore(snapshot: AsyncIterable<Uint8Array>, options: EtcdClientOptions): Promise<EtcdStore> {
    const store = await EtcdStore.open(options);
    try {
      if ((await store.range("", { limit: 1 })).entries.length > 0) throw new StoreUnavailableError("the etcd to restore into is not empty");
      let ops: Op[] = [];
      let bytes = 0;
      for await (const { entries } of decodeSnapshot(snapshot)) {
        for (const { key, value } of entries) {
          ops.push({ type: "put", key, value, if: "absent" });
          bytes += key.length + value.length;
          if (ops.length < RESTORE_OPS && bytes < RESTORE_BYTES) continue;
          await store.commit(ops);
          ops = [];
          bytes = 0;
        }
      }
      await store.commit(ops);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  revision(): Promise<number> {
    return this.#guard(async () => {
      const { header } = await this.#client.call("Range", { key: Buffer.of(0), count_only: true }, { repeatable: true });
      return header?.revision ?? 0;
    });
  }

  range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    return this.#guard(async () => {
      const limit = options.limit ?? Number.POSITIVE_INFINITY;
      const entries: StoreEntry[] = [];
      let more = false;
      let revision = options.at ?? 0;
      for await (const page of this.#pages(prefix, options)) {
        entries.push(...page.entries);
        ({ revision, more } = page);
        if (entries.length >= limit) break;
      }
      return { revision, entries, more };
    });
  }

  commit(ops: readonly Op[]): Promise<number> {
    return this.#guard(async () => {
      checkOps(ops);
      if (ops.length === 0) return this.revision();
      const conditions = ops.filter((op) => op.if !== undefined);
      const response = await this.#client
        .call(
          "Txn",
          { compare: conditions.map(compareOf), success: ops.map(requestOf), failure: conditions.map((op): RequestOp => ({ request_range: { key: Buffer.from(op.key) } })) },
          { repeatable: false },
        )
        .catch((error: unknown) => {
          // etcd has the same code for a request that is too large and for a database that is full.
          const bytes = ops.reduce((sum, op) => sum + op.key.length + (op.type === "put" ? op.value.length : 0), 0);
          if (error instanceof GrpcError && error.code === grpcCodes.resourceExhausted && bytes > MAX_REQUEST_BYTES)
            throw new RangeError(`etcd refuses the request: ${error.message}`, { cause: error });
          throw error;
        });
      if (response.succeeded !== true) throw conflictOf(conditions, response);
      return response.header?.revision ?? 0;
    });
  }

  async *watch(prefix: string, options: { readonly since: number; readonly signal: AbortSignal }): AsyncGenerator<StoreBatch> {
    this.#open();
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    let { since } = options;
    let backoff = 0;
    while (!signal.aborted) {
      // All keys are watched, whatever the prefix: so every commit tells how far the watch has come.
      const create_request = { ...allKeys, start_revision: Math.max(1, since + 1), progress_notify: true };
      try {
        for await (const response of this.#client.stream("Watch", { create_request }, signal)) {
          backoff = 0;
          const batch = batchOf(prefix, response);
          if (batch === undefined || batch.revision <= since) continue;
          since = batch.revision;
          yield batch;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isUnavailable(error)) throw error instanceof GrpcError ? unavailable(error) : error;
      }
      backoff = Math.min(MAX_BACKOFF_MS, Math.max(20, backoff * 2));
      await delay(backoff, undefined, { signal }).catch(() => {});
    }
  }

  compact(revision: number): Promise<void> {
    return this.#guard(async () => {
      try {
        await this.#client.call("Compact", { revision }, { repeatable: true });
      } catch (error) {
        if (!(error instanceof GrpcError) || error.code !== grpcCodes.outOfRange) throw error;
        const newest = await this.revision();
        if (revision > newest) throw new FutureRevisionError(newest);
      }
    });
  }

  async *snapshot(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const at = await this.revision();
    const pages = this.#pages("", { at });
    async function* entries(): AsyncGenerator<readonly StoreEntry[]> {
      for await (const page of pages) yield page.entries;
    }
    for await (const chunk of encodeSnapshot(at, entries())) {
      signal.throwIfAborted();
      yield chunk;
    }
  }

  /** etcd's own snapshot, for `etcdutl snapshot restore`, which keeps revisions. */
  async *nativeSnapshot(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#open();
    try {
      for await (const { blob } of this.#client.stream("Snapshot", {}, AbortSignal.any([signal, this.#closed.signal]))) if (blob !== undefined) yield blob;
    } catch (error) {
      throw error instanceof GrpcError ? unavailable(error) : error;
    }
    signal.throwIfAborted();
  }

  size(): Promise<number> {
    return this.#guard(async () => (await this.#client.call("Status", {}, { repeatable: true })).dbSize ?? 0);
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#client.close();
    return Promise.resolve();
  }

  /** All pages show the revision of the first. */
  async *#pages(prefix: string, options: RangeOptions): AsyncGenerator<RangeResult> {
    let { at } = options;
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let from = rangeStart(prefix, options.after);
    if (at !== undefined && at < 1) throw new CompactedError(await this.#oldest());
    for (;;) {
      const request = { ...keyRange(prefix, from), limit: Math.min(left, PAGE_KEYS), ...(at === undefined ? {} : { revision: at }) };
      const response = await this.#client.call("Range", request, { repeatable: true }).catch((error: unknown) => this.#outOfRange(error, at ?? 0));
      const entries = (response.kvs ?? []).map(entryOf);
      at ??= response.header?.revision ?? 0;
      left -= entries.length;
      const more = response.more === true;
      yield { revision: at, entries, more };
      const last = entries.at(-1);
      if (!more || left <= 0 || last === undefined) return;
      from = `${last.key}\0`;
    }
  }

  /** A revision that cannot be read is either too old or yet to come. */
  async #outOfRange(error: unknown, at: number): Promise<never> {
    if (!(error instanceof GrpcError) || error.code !== grpcCodes.outOfRange) throw error;
    const newest = await this.revision();
    throw at > newest ? new FutureRevisionError(newest) : new CompactedError(await this.#oldest());
  }

  /** etcd tells its compacted revision only to a watch that asks for something older. */
  async #oldest(): Promise<number> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(5_000)]);
    for await (const response of this.#client.stream("Watch", { create_request: { key: Buffer.of(0), start_revision: 1 } }, signal)) {
      if (response.canceled === true) return response.compact_revision ?? 1;
    }
    return 1;
  }

  #open(): void {
    if (this.#closed.signal.aborted) throw new StoreUnavailableError("the store is closed");
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.#open();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      if (error.code === grpcCodes.invalidArgument) throw new RangeError(`etcd refuses the request: ${error.message}`, { cause: error });
      throw unavailable(error);
    }
  }
}

function unavailable(error: GrpcError): StoreUnavailableError {
  const remedy = error.code === grpcCodes.resourceExhausted ? " (compact and defragment it, then disarm its alarm)" : "";
  return new StoreUnavailableError(`etcd is not available: ${error.message}${remedy}`, { cause: error });
}

function compareOf({ key, if: condition }: Op): Compare {
  const revision = condition === undefined || condition === "absent" ? 0 : condition.revision;
  return { key: Buffer.from(key), target: COMPARE_MOD_REVISION, result: COMPARE_EQUAL, mod_revision: revision };
}

function requestOf(op: Op): RequestOp {
  const key = Buffer.from(op.key);
  return op.type === "put" ? { request_put: { key, value: op.value } } : { request_delete_range: { key } };
}

/** The failed transaction has looked at every conditioned key. */
function conflictOf(conditions: readonly Op[], response: TxnResponse): ConflictError {
  const standing = conditions.map((_, index) => {
    const kv = response.responses?.[index]?.response_range?.kvs?.[0];
    return kv === undefined ? undefined : entryOf(kv);
  });
  const failed = Math.max(
    0,
    conditions.findIndex((op, index) => !holds(op.if, standing[index]?.revision)),
  );
  return new ConflictError(conditions[failed]?.key ?? "", standing[failed]);
}

// Values are copied: a view would keep the whole page in memory for as long as one of them lives.
const entryOf = (kv: KeyValue): StoreEntry => ({ key: textOf(kv.key), value: new Uint8Array(kv.value ?? []), revision: kv.mod_revision ?? 0 });

const textOf = (bytes: Uint8Array | undefined): string => (bytes === undefined ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));

/** Undefined for what tells nothing. Whole commits only: fragments are not asked for. */
function batchOf(prefix: string, response: WatchResponse): StoreBatch | undefined {
  if (response.canceled === true) {
    if ((response.compact_revision ?? 0) > 0) throw new CompactedError(response.compact_revision ?? 0);
    throw new GrpcError(grpcCodes.unavailable, `the watch was cancelled: ${response.cancel_reason ?? "no reason given"}`, { sent: true });
  }
  if (response.created === true) return undefined;
  const events: StoreEvent[] = [];
  // When it catches up, the header is ahead of what has been delivered.
  let revision = response.events === undefined ? (response.header?.revision ?? 0) : 0;
  for (const { type, kv } of response.events ?? []) {
    revision = kv?.mod_revision ?? revision;
    const key = textOf(kv?.key);
    if (!key.startsWith(prefix)) continue;
    events.push(type === EVENT_DELETE ? { type: "delete", key, revision } : { type: "put", key, value: new Uint8Array(kv?.value ?? []), revision });
  }
  return { revision, events };
}
