import { childAbort, orAbort } from "../../base/abort.ts";
import { sleep, type Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import { splitKey, type KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import { StatusError } from "../../meta/status-error.ts";

interface Entry<T> {
  readonly key: string;
  readonly users: Set<string>;
  object: T | undefined;
  error: unknown;
  /** Whether it has been listed: before that everybody is waiting anyway. */
  known: boolean;
  /** Resolves with the first answer, whatever it is. */
  readonly answered: Promise<void>;
  stop(): void;
}

export interface WatchedObjectsDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The pods (by UID) that read an object which came, changed or went. */
  changed(users: readonly string[]): void;
}

const firstRetryMs = 1000;
const longestRetryMs = 30_000;

/**
 * Single objects that pods on this node read, each watched by its name while some pod needs it: a node may not list
 * what it does not use. @upstream pkg/kubelet/util/manager/watch_based_manager.go
 */
export class WatchedObjects<T extends KubeObject> {
  readonly #resource: Resource<T>;
  readonly #deps: WatchedObjectsDeps;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #running = new Set<Promise<void>>();
  readonly #signal: AbortSignal;

  constructor(options: { readonly resource: Resource<T>; readonly signal: AbortSignal }, deps: WatchedObjectsDeps) {
    this.#resource = options.resource;
    this.#signal = options.signal;
    this.#deps = deps;
  }

  /** From now on `user` reads exactly these keys. */
  use(user: string, keys: ReadonlySet<string>): void {
    for (const key of keys) {
      const entry = this.#entries.get(key) ?? this.#open(key);
      entry.users.add(user);
    }
    for (const [key, entry] of this.#entries) {
      if (keys.has(key) || !entry.users.delete(user) || entry.users.size > 0) continue;
      entry.stop();
      this.#entries.delete(key);
    }
  }

  /** Undefined when there is no such object. Throws StatusError when it cannot be read. */
  async get(key: string): Promise<T | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#once(key);
    await orAbort(entry.answered, this.#signal);
    if (entry.error !== undefined && entry.object === undefined) throw entry.error;
    return entry.object;
  }

  /** Resolves when all watches have ended. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #once(key: string): Promise<T | undefined> {
    const { namespace, name } = splitKey(key);
    try {
      return await this.#deps.client.get(this.#resource, name, { namespace });
    } catch (error) {
      if (error instanceof StatusError && error.reason === "NotFound") return undefined;
      throw error;
    }
  }

  #open(key: string): Entry<T> {
    const abort = childAbort(this.#signal);
    let answer = (): void => {};
    const entry: Entry<T> = {
      key,
      users: new Set(),
      object: undefined,
      error: undefined,
      known: false,
      answered: new Promise<void>((resolve) => {
        answer = resolve;
      }),
      stop: () => abort.abort(new Error("no pod reads it any more")),
    };
    this.#entries.set(key, entry);
    const run = this.#follow(entry, answer, abort.signal)
      .catch(() => {})
      .finally(() => {
        answer();
        abort.dispose();
        this.#running.delete(run);
      });
    this.#running.add(run);
    return entry;
  }

  /** Lists, then watches, again and again until nobody needs the object. */
  async #follow(entry: Entry<T>, answer: () => void, signal: AbortSignal): Promise<void> {
    const { namespace, name } = splitKey(entry.key);
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        const list = await this.#deps.client.list(this.#resource, { ...selection, signal });
        entry.error = undefined;
        this.#set(
          entry,
          list.items.find((item) => item.metadata.name === name),
        );
        entry.known = true;
        answer();
        retryMs = firstRetryMs;
        const since = list.metadata.resourceVersion;
        for await (const batch of this.#deps.client.watch(this.#resource, { ...selection, ...(since === undefined ? {} : { resourceVersion: since }), signal })) {
          for (const { type, object } of batch) {
            if (type === "ADDED" || type === "MODIFIED") this.#set(entry, object);
            else if (type === "DELETED") this.#set(entry, undefined);
            else if (type === "ERROR") throw new Error("the watch ended with an error");
          }
        }
        // A watch that the server ended at once must not turn into a tight loop.
        await sleep(this.#deps.clock, firstRetryMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        entry.error = error;
        entry.known = true;
        answer();
        this.#deps.log.debug("object is not watched for a while", { resource: this.#resource.resource, key: entry.key, error });
        await sleep(this.#deps.clock, retryMs, signal);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  }

  #set(entry: Entry<T>, object: T | undefined): void {
    if (entry.object === undefined && object === undefined) return;
    if (entry.object !== undefined && object !== undefined && entry.object.metadata.resourceVersion === object.metadata.resourceVersion) return;
    entry.object = object;
    if (entry.known) this.#deps.changed([...entry.users]);
  }
}
