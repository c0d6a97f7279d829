import type { KubeObject } from "../../meta/object.ts";
import { failure } from "../../meta/status-error.ts";
import { type Op, type Store, StoreUnavailableError } from "../../store/contract.ts";
import { CacheEntry, encodeForStore } from "../cache/cache-entry.ts";
import type { StateCache } from "../cache/state-cache.ts";
import type { Storage } from "../resources/served-resource.ts";

/** Where a write goes. */
export interface Target {
  readonly store: Store;
  readonly cache: StateCache;
  readonly storage: Storage;
}

/** Puts `object` and resolves its entry once it is on disk and visible in the cache. ConflictError passes through. */
export async function put(
  { store, cache, storage }: Target,
  key: string,
  object: KubeObject,
  condition: "absent" | { readonly revision: number },
  also: readonly Op[] = [],
): Promise<CacheEntry> {
  const value = encodeForStore(object);
  const op: Op = { type: "put", key, value, if: condition };
  let revision: number;
  try {
    revision = await store.commit(also.length === 0 ? [op] : [op, ...also]);
  } catch (error) {
    throw refusalOf(error);
  }
  const pending = cache.reached(revision);
  if (pending !== undefined) await pending;
  const entry = storage.cache.get(key);
  return entry?.revision === revision ? entry : new CacheEntry(key, value, revision);
}

/** Removes what stands at `revision`; resolves its last state with the revision of the deletion. */
export async function remove({ store, cache }: Target, entry: CacheEntry, also: readonly Op[] = []): Promise<CacheEntry> {
  let revision: number;
  try {
    revision = await store.commit([{ type: "delete", key: entry.key, if: { revision: entry.revision } }, ...also]);
  } catch (error) {
    throw refusalOf(error);
  }
  await cache.reached(revision);
  return new CacheEntry(entry.key, entry.stored, revision);
}

/** What the writer is told of a commit that failed. */
function refusalOf(error: unknown): unknown {
  return error instanceof StoreUnavailableError ? failure("ServiceUnavailable", `the store cannot take writes: ${error.message}`, { retryAfterSeconds: 1 }) : error;
}
