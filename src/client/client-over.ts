import { childAbort, Interrupt } from "../base/abort.ts";
import type { Status } from "../meta/generated/meta-v1.ts";
import type { KubeList, KubeObject } from "../meta/object.ts";
import { apiVersionOf, type Resource } from "../meta/resource.ts";
import { StatusError } from "../meta/status-error.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import { type ApiCall, createCall, createSubresourceCall, deleteCall, deleteCollectionCall, getCall, listCall, patchCall, rawCall, updateCall, watchCall } from "./api-call.ts";
import type { Client, GetOptions, ListOptions, NewObject, Patch, WatchOptions, WriteOptions } from "./client.ts";

/** What differs between in-process and HTTPS: carrying one call there and its answer back. */
export interface Exchange {
  /** The answer as a frozen value; undefined when it has none. Failures reject with StatusError, aborts with the signal's reason. */
  readonly call: (call: ApiCall, signal: AbortSignal | undefined) => Promise<unknown>;
  /** Resolves once the watch stands. Objects are frozen. */
  watch(call: ApiCall, signal: AbortSignal): Promise<AsyncIterable<readonly WatchEvent[]>>;
}

/** The Client that both transports are. */
export function clientOver(exchange: Exchange): Client {
  const { call } = exchange;
  return {
    get: async <T extends KubeObject>(resource: Resource<T>, name: string, options: GetOptions = {}) => (await call(getCall(resource, name, options), options.signal)) as T,
    list: async <T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) =>
      withKinds(resource, (await call(listCall(resource, options), options.signal)) as KubeList<T>),
    watch: <T extends KubeObject>(resource: Resource<T>, options: WatchOptions) =>
      watching(exchange, watchCall(resource, options), options.signal) as AsyncIterable<readonly WatchEvent<T>[]>,
    create: async <T extends KubeObject>(resource: Resource<T>, object: NewObject<T>, options: WriteOptions = {}) =>
      (await call(createCall(resource, object, options), options.signal)) as T,
    update: async <T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}) => (await call(updateCall(resource, object, options), options.signal)) as T,
    patch: async <T extends KubeObject>(resource: Resource<T>, name: string, patch: Patch, options: WriteOptions = {}) =>
      (await call(patchCall(resource, name, patch, options), options.signal)) as T,
    delete: async (resource, name, options = {}) => (await call(deleteCall(resource, name, options), options.signal)) as KubeObject,
    deleteCollection: async (resource, options = {}) => {
      await call(deleteCollectionCall(resource, options), options.signal);
    },
    createSubresource: async <Answer>(resource: Resource<KubeObject>, name: string, subresource: string, body: unknown, options: WriteOptions = {}) =>
      (await call(createSubresourceCall(resource, name, body, { ...options, subresource }), options.signal)) as Answer,
    raw: (method, path, body) => call(rawCall(method, path, body), undefined),
  };
}

/** Items of a typed list come over the wire without apiVersion and kind; here every object says what it is. */
function withKinds<T extends KubeObject>(resource: Resource<T>, list: KubeList<T>): KubeList<T> {
  const items = (list.items as readonly T[] | null) ?? [];
  if (items === list.items && items.every((item) => (item.kind as string | undefined) !== undefined)) return list;
  const apiVersion = apiVersionOf(resource);
  return Object.freeze({ ...list, items: Object.freeze(items.map((item) => Object.freeze({ ...item, apiVersion, kind: resource.kind }))) });
}

/** Batches until the server or the signal ends it; an ERROR event is thrown after what came before it. */
async function* watching(exchange: Exchange, call: ApiCall, outer: AbortSignal): AsyncGenerator<readonly WatchEvent[], void, undefined> {
  if (outer.aborted) return;
  const inner = childAbort(outer);
  const interrupt = new Interrupt(inner.signal);
  let batches: AsyncIterator<readonly WatchEvent[]> | undefined;
  try {
    batches = (await interrupt.or(exchange.watch(call, inner.signal)))[Symbol.asyncIterator]();
    for (;;) {
      const next = await interrupt.or(batches.next());
      if (next.done === true) return;
      const bad = next.value.findIndex((event) => event.type === "ERROR");
      if (bad < 0) {
        if (next.value.length > 0) yield next.value;
        continue;
      }
      if (bad > 0) yield next.value.slice(0, bad);
      throw new StatusError(next.value[bad]?.object as unknown as Status);
    }
  } catch (error) {
    if (!outer.aborted) throw error;
  } finally {
    inner.abort();
    inner.dispose();
    // Not awaited: an iterator that still waits for its source would hold us up; the abort above ends it.
    batches?.return?.()?.catch(() => {});
  }
}
