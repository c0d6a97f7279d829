import { orAbort } from "../base/abort.ts";
import type { Logger } from "../base/log.ts";
import { keyOf, type KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import type { IndexValues, Informer, InformerHandler, Lister } from "./informer.ts";
import { ObjectCache } from "./object-cache.ts";
import type { ReflectorSink } from "./reflector.ts";

/**
 * One resource's copy and those who hear of its changes. Takes lists and events from a Reflector. An object that was
 * deleted and made anew under its name between two looks is heard of as deleted, then added.
 */
export class SharedInformer<T extends KubeObject> implements Informer<T>, ReflectorSink<T> {
  readonly resource: Resource<T>;
  readonly #cache = new ObjectCache<T>();
  #handlers: readonly InformerHandler<T>[] = [];
  #synced = false;
  #ended = false;
  #announceSync: () => void = () => {};
  readonly #whenSynced = new Promise<void>((resolve) => {
    this.#announceSync = resolve;
  });
  readonly #log: Logger;

  constructor(options: { readonly resource: Resource<T> }, deps: { readonly log: Logger }) {
    this.resource = options.resource;
    this.#log = deps.log;
  }

  get lister(): Lister<T> {
    return this.#cache;
  }

  get synced(): boolean {
    return this.#synced;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing is taken in any more, and nobody waits. */
  end(): void {
    this.#ended = true;
    this.#announceSync();
  }

  waitForSync(signal: AbortSignal): Promise<void> {
    return orAbort(this.#whenSynced, signal);
  }

  addIndex(name: string, values: (object: T) => IndexValues): void {
    this.#cache.addIndex(name, values);
  }

  subscribe(handler: InformerHandler<T>): () => void {
    const present = this.#cache.list();
    this.#handlers = [...this.#handlers, handler];
    for (const object of present) this.#tellAdded([handler], object);
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler);
    };
  }

  replace(objects: readonly T[]): void {
    if (this.#ended) return;
    const kept = new Set<string>();
    for (const object of objects) {
      const key = keyOf(object);
      kept.add(key);
      this.#put(key, object);
    }
    for (const key of this.#cache.keys()) if (!kept.has(key)) this.#remove(key);
    this.#synced = true;
    this.#announceSync();
  }

  event({ type, object }: WatchEvent<T>): void {
    if (this.#ended) return;
    if (type === "DELETED") this.#remove(keyOf(object), object);
    else this.#put(keyOf(object), object);
  }

  #put(key: string, object: T): void {
    let slot = this.#cache.find(key);
    if (slot !== undefined && slot.object.metadata.uid !== object.metadata.uid) {
      this.#remove(key);
      slot = undefined;
    }
    if (slot === undefined) {
      this.#cache.add(key, object);
      this.#tellAdded(this.#handlers, object);
      return;
    }
    const previous = slot.object;
    this.#cache.replace(slot, object);
    if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) this.#tellUpdated(previous, object);
  }

  #remove(key: string, last?: T): void {
    const previous = this.#cache.delete(key);
    if (previous === undefined) return;
    const final = last ?? previous;
    for (const handler of this.#handlers) {
      try {
        handler.deleted?.(final);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  // PERF: without a closure for each piece of news.
  #tellAdded(handlers: readonly InformerHandler<T>[], object: T): void {
    for (const handler of handlers) {
      try {
        handler.added?.(object);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #tellUpdated(previous: T, object: T): void {
    for (const handler of this.#handlers) {
      try {
        handler.updated?.(previous, object);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    this.#log.error("informer handler failed", { group: this.resource.group, resource: this.resource.resource, error });
  }
}
