import { AsyncQueue } from "../../base/async-queue.ts";
import { expired, invalid, panicked, StatusError } from "../../meta/status-error.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Status } from "../../meta/generated/meta-v1.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { WatchEvent, WatchEventType } from "../../meta/watch-event.ts";
import { CacheEntry } from "../cache/cache-entry.ts";
import type { CacheEvent, Route } from "../cache/resource-cache.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { isTrue } from "../request-info.ts";
import { encodedOf, jsonOf, prepared, type ServedResource, type Storage, viewOf } from "../resources/served-resource.ts";
import { watchFrame } from "../../api/wire/joined.ts";
import { contentTypes, type Form, negotiate } from "../respond/negotiate.ts";
import { envelopeOf, isProtobuf, offerOf, sealed } from "../respond/protobuf.ts";
import { metadataOnly } from "../respond/response.ts";
import { columnDefinitions, includeObjectOf, rowOf } from "../respond/table.ts";
import { parseResourceVersion, waitForRevision } from "./resource-version.ts";
import { isOneObject, passes, prefixOf, type Selected, selectEntries, selectionOf } from "./selection.ts";

/** A watcher that leaves this many events unread is cut off; it lists again. */
const UNREAD_LIMIT = 20_000;
/** So much unread may a watcher leave, however few events it is. */
const UNREAD_BYTES = 64 << 20;
const tooSlow = (): StatusError => expired("too many unread events: list and watch again");
const BOOKMARK_MS = 60_000;
const MIN_TIMEOUT_S = 1800;

/** One event on its way to one watcher. */
interface Frame {
  readonly type: WatchEventType;
  readonly entry?: CacheEntry | undefined;
  /** For BOOKMARK. */
  readonly revision?: number | undefined;
  readonly initialEnd?: boolean;
  /** For ERROR. */
  readonly status?: Status;
}

/** WATCH: what is there first (when asked), then every change, until the timeout, the caller or the server ends it. */
export async function watch(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request, work } = context;
  const form = negotiate(request, query, { ...offerOf(served), medias: isProtobuf(served) ? ["json", "protobuf"] : ["json"] });
  const selected = selectionOf(served, target, query);
  const revision = parseResourceVersion(query.get("resourceVersion"), "ListOptions");
  const initial = initialEvents(query, revision);
  await waitForRevision(parts.cache, initial.list ? revision : (revision ?? parts.cache.revision), parts.clock);
  const timeoutSeconds = timeoutOf(query, parts);
  const frames = follow(parts, storage, served, selected, {
    since: initial.list ? undefined : (revision ?? parts.cache.revision),
    endMark: initial.endMark,
    bookmarks: isTrue(query.get("allowWatchBookmarks")),
    timeoutMs: timeoutSeconds * 1000,
    signal: work.signal,
  });
  if (form.media === "value") return { status: 200, headers: {}, body: { type: "events", events: asEvents(served, frames) } };
  const encode = frameEncoder(served, form, query, parts);
  const contentType = form.media === "protobuf" ? `${contentTypes.protobuf};stream=watch` : contentTypes.json;
  return { status: 200, headers: {}, body: { type: "stream", contentType, chunks: asBytes(frames, encode) } };
}

/** Whether the present state comes first, and whether its end is marked. */
function initialEvents(query: URLSearchParams, revision: number | undefined): { readonly list: boolean; readonly endMark: boolean } {
  const asked = query.get("sendInitialEvents");
  const match = query.get("resourceVersionMatch") ?? "";
  const refuse = (field: string, type: "FieldValueForbidden" | "FieldValueNotSupported", detail: string): never => {
    throw invalid({ group: "meta.k8s.io", kind: "ListOptions", name: "" }, [{ type, field, value: match, detail }]);
  };
  if (asked === null || asked === "") {
    if (match !== "") refuse("resourceVersionMatch", "FieldValueForbidden", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return { list: revision === undefined || revision === 0, endMark: false };
  }
  if (match === "") refuse("resourceVersionMatch", "FieldValueForbidden", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (match !== "NotOlderThan") refuse("resourceVersionMatch", "FieldValueNotSupported", 'supported values: "NotOlderThan"');
  const wanted = isTrue(asked);
  return { list: wanted, endMark: wanted && isTrue(query.get("allowWatchBookmarks")) };
}

function timeoutOf(query: URLSearchParams, parts: ServerParts): number {
  const asked = Number(query.get("timeoutSeconds") ?? "0");
  if (Number.isFinite(asked) && asked > 0) return asked;
  return MIN_TIMEOUT_S * (1 + parts.random.next());
}

/** What a watcher has not read yet: frames, or changes of which the frames are still to be made. */
interface Unread {
  readonly frames: readonly Frame[];
  readonly events: readonly CacheEvent[];
}

interface FollowOptions {
  /** Undefined: begin with the present state. */
  readonly since: number | undefined;
  readonly endMark: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function* follow(parts: ServerParts, storage: Storage, served: ServedResource, selected: Selected, options: FollowOptions): AsyncGenerator<readonly Frame[]> {
  const { clock, cache } = parts;
  const queue = new AsyncQueue<Unread>({ limit: UNREAD_LIMIT, overflow: tooSlow });
  // Where entries must be prepared before they can be looked at, whether they are selected is found out by the reader.
  const isLate = served.conversion?.prepare !== undefined;
  let unreadBytes = 0;
  // From here to the subscription nothing awaits: no change can fall between the state read and the changes followed.
  const past = options.since === undefined ? [] : storage.cache.since(options.since);
  if (past === undefined) {
    const error = expired(`too old resource version: ${options.since} (${storage.cache.forgottenUpTo})`);
    yield [{ type: "ERROR", status: error.status }];
    return;
  }
  const first: Frame[] = [];
  const late: CacheEvent[] = [];
  if (options.since === undefined) {
    const matches = isLate ? undefined : selected.matches;
    for (const entry of selectEntries(served, storage, { ...selected, matches })) {
      if (isLate) late.push({ type: "ADDED", entry, previous: undefined, revision: entry.revision });
      else first.push({ type: "ADDED", entry });
    }
  } else if (isLate) late.push(...past);
  else first.push(...framesOf(served, storage, selected, past));
  let seen = cache.revision;
  if (options.endMark) first.push({ type: "BOOKMARK", revision: seen, initialEnd: true });
  const unsubscribe = storage.cache.subscribe(
    {
      within: prefixOf(storage, selected, served.resource.namespaced),
      notify(events) {
        if (queue.ended) return;
        try {
          const unread = isLate
            ? { frames: [], events: events.filter((event) => concerns(served, storage, selected, event)) }
            : { frames: framesOf(served, storage, selected, events), events: [] };
          if (unread.frames.length === 0 && unread.events.length === 0) return;
          for (const { entry } of unread.frames) unreadBytes += entry?.stored.length ?? 0;
          for (const { entry } of unread.events) unreadBytes += entry.stored.length;
          if (unreadBytes > UNREAD_BYTES && queue.length > 0) {
            queue.drain();
            queue.fail(tooSlow());
          } else queue.push(unread);
        } catch (error) {
          // Whatever one watcher's selection or conversion trips over is its own trouble.
          queue.fail(error);
        }
      },
    },
    routeOf(storage, served, selected),
  );
  const end = (): void => queue.end();
  options.signal.addEventListener("abort", end, { once: true });
  const unretire = served.retirement?.on(end);
  const cancelTimeout = clock.after(options.timeoutMs, end);
  let cancelBookmark = (): void => {};
  const scheduleBookmark = (): void => {
    cancelBookmark = clock.after(BOOKMARK_MS, () => {
      if (cache.revision > seen && queue.length === 0) {
        seen = cache.revision;
        queue.push({ frames: [{ type: "BOOKMARK", revision: seen }], events: [] });
      }
      scheduleBookmark();
    });
  };
  if (options.bookmarks) scheduleBookmark();
  try {
    if (options.signal.aborted || served.retirement?.over === true) return;
    if (late.length > 0) first.unshift(...(await lateFramesOf(served, storage, selected, late)));
    if (first.length > 0) yield first;
    for await (const unread of queue) {
      unreadBytes = 0;
      const all = queue.length === 0 ? [unread] : [unread, ...queue.drain()];
      const events = all.flatMap((one) => one.events);
      const frames = all.flatMap((one) => one.frames);
      // Nothing but bookmarks stands beside what is looked at late, and they tell of what came before.
      const found = events.length === 0 ? frames : [...(await lateFramesOf(served, storage, selected, events)), ...frames];
      if (found.length > 0) yield found;
    }
  } catch (error) {
    if (!(error instanceof StatusError)) parts.log.error("watch failed", { resource: served.resource.resource, error });
    yield [{ type: "ERROR", status: (error instanceof StatusError ? error : panicked()).status }];
  } finally {
    unsubscribe();
    cancelTimeout();
    cancelBookmark();
    options.signal.removeEventListener("abort", end);
    unretire?.();
  }
}

function routeOf(storage: Storage, served: ServedResource, selected: Selected): Route | undefined {
  if (isOneObject(served, selected)) return { key: prefixOf(storage, selected, served.resource.namespaced) };
  return selected.index === undefined ? undefined : { index: selected.index.name, value: selected.index.value };
}

/** Whether a change can be about what this watcher watches, as far as its key says. */
function concerns(served: ServedResource, storage: Storage, selected: Selected, { entry }: CacheEvent): boolean {
  const prefix = prefixOf(storage, selected, served.resource.namespaced);
  return isOneObject(served, selected) ? entry.key === prefix : entry.key.startsWith(prefix);
}

/** As framesOf, for entries that others have to convert. */
async function lateFramesOf(served: ServedResource, storage: Storage, selected: Selected, events: readonly CacheEvent[]): Promise<Frame[]> {
  const looked = selected.matches === undefined ? [] : events.flatMap(({ entry, previous }) => (previous === undefined ? [entry] : [entry, previous]));
  await prepared(served, looked);
  const frames = framesOf(served, storage, selected, events);
  await prepared(
    served,
    frames.flatMap(({ entry }) => entry ?? []),
  );
  return frames;
}

/** What this watcher sees of some changes: an object that leaves the selection is DELETED for it, one that enters is ADDED. */
function framesOf(served: ServedResource, storage: Storage, selected: Selected, events: readonly CacheEvent[]): Frame[] {
  const prefix = prefixOf(storage, selected, served.resource.namespaced);
  const namesOne = isOneObject(served, selected);
  const frames: Frame[] = [];
  for (const { type, entry, previous, revision } of events) {
    if (namesOne ? entry.key !== prefix : !entry.key.startsWith(prefix)) continue;
    if (selected.matches === undefined) {
      frames.push({ type, entry });
      continue;
    }
    const was = previous !== undefined && passes(served, selected, previous);
    const is = type !== "DELETED" && passes(served, selected, entry);
    if (is) frames.push({ type: was ? "MODIFIED" : "ADDED", entry });
    else if (was) frames.push({ type: "DELETED", entry: type === "DELETED" ? entry : new CacheEntry(entry.key, previous.stored, revision) });
  }
  return frames;
}

function bookmark(served: ServedResource, frame: Frame): KubeObject {
  const metadata = { resourceVersion: String(frame.revision), ...(frame.initialEnd === true ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}) };
  return { kind: served.resource.kind, apiVersion: served.apiVersion, metadata };
}

async function* asEvents(served: ServedResource, frames: AsyncIterable<readonly Frame[]>): AsyncGenerator<readonly WatchEvent[]> {
  for await (const batch of frames) {
    yield batch.map((frame): WatchEvent => {
      if (frame.entry !== undefined) return { type: frame.type, object: viewOf(served, frame.entry) };
      if (frame.status !== undefined) return { type: "ERROR", object: frame.status as unknown as KubeObject };
      return { type: "BOOKMARK", object: bookmark(served, frame) };
    });
  }
}

const encoder = new TextEncoder();

async function* asBytes(frames: AsyncIterable<readonly Frame[]>, encode: (frame: Frame) => Uint8Array): AsyncGenerator<Uint8Array> {
  for await (const batch of frames) {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      yield encode(only);
      continue;
    }
    for (let from = 0; from < batch.length; from += 500) yield join(batch.slice(from, from + 500).map(encode));
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** PERF: an event's bytes are made once for all watchers that want the same form. */
function frameEncoder(served: ServedResource, form: Form, query: URLSearchParams, parts: ServerParts): (frame: Frame) => Uint8Array {
  if (form.media === "protobuf") return protobufFrames(served, form);
  const close = encoder.encode("}\n");
  if (form.as === "object") {
    return (frame) => {
      if (frame.entry === undefined) return line(frame.type, frame.status ?? bookmark(served, frame));
      return encodedOf(served, frame.entry, `watch ${frame.type} ${served.apiVersion}`, (entry) =>
        join([encoder.encode(`{"type":"${frame.type}","object":`), jsonOf(served, entry), close]),
      );
    };
  }
  if (form.as === "metadata") {
    return (frame) =>
      line(
        frame.type,
        frame.entry === undefined
          ? (frame.status ?? { ...bookmark(served, frame), kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" })
          : metadataOnly(viewOf(served, frame.entry)),
      );
  }
  const include = includeObjectOf(query);
  let first = true;
  return (frame) => {
    if (frame.status !== undefined) return line(frame.type, frame.status);
    const object = frame.entry === undefined ? bookmark(served, frame) : viewOf(served, frame.entry);
    const row = frame.entry === undefined ? { cells: [], object: metadataOnly(object) } : rowOf(served, object, include, parts.clock.now());
    const table = {
      kind: "Table",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: object.metadata.resourceVersion },
      columnDefinitions: first ? columnDefinitions(served) : null,
      rows: [row],
    };
    first = false;
    return line(frame.type, table);
  };
}

/** As frameEncoder, in protobuf: what the object itself takes is encoded once for lists, reads and watches. */
function protobufFrames(served: ServedResource, form: Form): (frame: Frame) => Uint8Array {
  return (frame) => {
    if (frame.entry !== undefined)
      return frame.entry.encoded(`watch protobuf ${form.as} ${frame.type} ${served.apiVersion}`, (entry) => watchFrame(frame.type, envelopeOf(served, entry, form)));
    if (frame.status !== undefined) return watchFrame(frame.type, sealed(frame.status));
    const mark = bookmark(served, frame);
    return watchFrame(frame.type, sealed(form.as === "metadata" ? metadataOnly(mark) : mark));
  };
}

function line(type: WatchEventType, object: unknown): Uint8Array {
  return encoder.encode(`${JSON.stringify({ type, object })}\n`);
}
