import { type Clock, sleep } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import { hasReason, StatusError } from "../meta/status-error.ts";
import type { WatchEvent } from "../meta/watch-event.ts";
import { Backoff } from "./backoff.ts";
import type { Client, Selection } from "./client.ts";

/** Where a Reflector puts what it sees. Neither may throw. */
export interface ReflectorSink<T extends KubeObject> {
  /** Everything there is at one moment. */
  replace(objects: readonly T[]): void;
  /** ADDED, MODIFIED or DELETED, in order. */
  event(event: WatchEvent<T>): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly selection: Selection;
  /** Objects per page of a list; absent: all at once. */
  readonly pageSize?: number | undefined;
  /** A watch ends after this long to twice this long; absent: the server decides. */
  readonly watchTimeoutSeconds?: number | undefined;
}

export interface ReflectorDeps<T extends KubeObject> {
  readonly client: Pick<Client, "list" | "watch">;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A watch that ends sooner than this without an event counts as failed, so that it is not asked for in a tight loop. */
const SHORT_WATCH_MS = 1_000;

/**
 * Keeps a sink equal to what the server has: lists once, then watches from the list's version on. A watch that ends is
 * taken up where it stopped; when the server no longer has that version (410) everything is listed again. Failures
 * back off from 0.8 s to 30 s.
 * @upstream client-go/tools/cache/reflector.go
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #deps: ReflectorDeps<T>;
  readonly #backoff: Backoff;
  /** Where the next watch begins; undefined when a list must come first. */
  #version: string | undefined;
  #listedBefore = false;

  constructor(options: ReflectorOptions<T>, deps: ReflectorDeps<T>) {
    this.#options = options;
    this.#deps = deps;
    this.#backoff = new Backoff({ baseMs: 800, maxMs: 30_000 }, deps);
  }

  /** Until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal);
        if (!(await this.#watch(signal))) await sleep(this.#deps.clock, this.#backoff.next(), signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#failed(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { resource, selection, pageSize } = this.#options;
    // The first list may come from any server's cache; after a 410 only what is certainly current will do.
    const resourceVersion = this.#listedBefore ? {} : { resourceVersion: "0" };
    this.#listedBefore = true;
    let page = await this.#deps.client.list(resource, { ...selection, ...resourceVersion, ...(pageSize === undefined ? {} : { limit: pageSize }), signal });
    const version = page.metadata.resourceVersion ?? "";
    const objects = [...page.items];
    while ((page.metadata.continue ?? "") !== "") {
      page = await this.#deps.client.list(resource, { ...selection, limit: pageSize ?? 0, continue: page.metadata.continue ?? "", signal });
      objects.push(...page.items);
    }
    this.#deps.sink.replace(objects);
    this.#version = version;
  }

  /** Whether the watch was worth having. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const { resource, selection, watchTimeoutSeconds } = this.#options;
    const { client, clock, random, sink } = this.#deps;
    const began = clock.now();
    const batches = client.watch(resource, {
      ...selection,
      resourceVersion: this.#version ?? "",
      allowBookmarks: true,
      ...(watchTimeoutSeconds === undefined ? {} : { timeoutSeconds: Math.floor(watchTimeoutSeconds * (1 + random.next())) }),
      signal,
    });
    let events = 0;
    for await (const batch of batches) {
      for (const event of batch) {
        events += 1;
        if (event.type !== "BOOKMARK") sink.event(event);
        this.#version = event.object.metadata.resourceVersion ?? this.#version;
      }
    }
    return signal.aborted || events > 0 || clock.now() - began >= SHORT_WATCH_MS;
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const { resource } = this.#options;
    const fields = { group: resource.group, resource: resource.resource, error: error instanceof Error ? error.message : String(error) };
    if (hasReason(error, "Expired") || hasReason(error, "Gone") || isVersionAhead(error)) {
      log.debug("watched version is gone, listing again", fields);
      this.#version = undefined;
    } else log.warn("list or watch failed", fields);
    try {
      await sleep(clock, this.#backoff.next(), signal);
    } catch {
      // Aborted while waiting: run() sees it.
    }
  }
}

/** The server is behind the version that we ask for: another instance, or one restored from a backup. */
function isVersionAhead(error: unknown): boolean {
  return error instanceof StatusError && (error.status.details?.causes?.some((cause) => cause.reason === "ResourceVersionTooLarge") ?? false);
}
