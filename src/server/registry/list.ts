import { badRequest, expired, invalid } from "../../meta/status-error.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import { CompactedError } from "../../store/contract.ts";
import { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { jsonOf, prepared, type ServedResource, type Storage, viewOf } from "../resources/served-resource.ts";
import { type Form, negotiate } from "../respond/negotiate.ts";
import { listEnvelope, offerOf } from "../respond/protobuf.ts";
import { metadataOnly, protobufResponse, valueResponse } from "../respond/response.ts";
import { includeObjectOf, rowOf, tableOf } from "../respond/table.ts";
import { continueExpired, decodeContinue, encodeContinue } from "./continue-token.ts";
import { parseResourceVersion, waitForRevision } from "./resource-version.ts";
import { eachSelected, prefixOf, preparedMatches, type Selected, selectedEntries, selectEntries, selectionOf } from "./selection.ts";

/** A page of a list: the entries, and how the metadata of the answer reads. */
interface Page {
  readonly entries: readonly CacheEntry[];
  readonly revision: number;
  readonly continueToken?: string | undefined;
  readonly remaining?: number | undefined;
}

interface PageRequest {
  readonly limit: number;
  /** Only keys above this one. */
  readonly after: string | undefined;
  /** As of this revision; the newest when absent. */
  readonly at: number | undefined;
}

/** LIST, whole or in pages. */
export async function list(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request } = context;
  const form = negotiate(request, query, offerOf(served));
  const selected = selectionOf(served, target, query);
  const page = await takePage(parts, storage, served, selected, await pageRequest(parts, storage, query));
  await prepared(served, page.entries);
  return pageResponse(served, page, form, query, parts.clock.now());
}

/** Reads limit, continue, resourceVersion and resourceVersionMatch, and waits until the cache is fresh enough. */
async function pageRequest(parts: ServerParts, storage: Storage, query: URLSearchParams): Promise<PageRequest> {
  const limitText = query.get("limit") ?? "";
  if (limitText !== "" && !/^-?\d{1,18}$/.test(limitText)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limitText)}: invalid syntax`);
  const limit = Math.max(0, Number(limitText));
  const token = query.get("continue") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const revision = parseResourceVersion(query.get("resourceVersion"), "ListOptions");
  checkMatch(match, revision, token);
  if (token !== "") {
    if (revision !== undefined && revision !== 0) throw badRequest("specifying resource version is not allowed when using continue");
    const { revision: at, start } = decodeContinue(token);
    await waitForRevision(parts.cache, at < 0 ? undefined : at, parts.clock);
    return { limit, after: storage.prefix + start, at: at < 0 ? undefined : at };
  }
  if (match === "Exact") {
    await waitForRevision(parts.cache, revision, parts.clock);
    return { limit, after: undefined, at: revision };
  }
  await waitForRevision(parts.cache, revision, parts.clock);
  return { limit, after: undefined, at: undefined };
}

function checkMatch(match: string, revision: number | undefined, token: string): void {
  if (match === "") return;
  const refuse = (detail: string, type: "FieldValueForbidden" | "FieldValueNotSupported" = "FieldValueForbidden"): never => {
    throw invalid({ group: "meta.k8s.io", kind: "ListOptions", name: "" }, [{ type, field: "resourceVersionMatch", value: match, detail }]);
  };
  if (token !== "") refuse("resourceVersionMatch is forbidden when continue is provided");
  if (match !== "Exact" && match !== "NotOlderThan") refuse('supported values: "Exact", "NotOlderThan"', "FieldValueNotSupported");
  if (revision === undefined) refuse("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match === "Exact" && revision === 0) refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

async function takePage(parts: ServerParts, storage: Storage, served: ServedResource, selected: Selected, { limit, after, at }: PageRequest): Promise<Page> {
  const changed = at !== undefined && (storage.cache.since(at)?.length ?? 1) > 0;
  const revision = at ?? parts.cache.revision;
  const source = changed
    ? await pastEntries(parts, storage, served, selected, { limit, after, at: revision })
    : served.conversion?.prepare === undefined
      ? undefined
      : await selectedEntries(served, storage, selected, after);
  if (limit === 0) return { entries: source ?? selectEntries(served, storage, selected, after), revision };
  const entries: CacheEntry[] = [];
  let rest = 0;
  const take = (entry: CacheEntry): boolean => {
    if (entries.length < limit) {
      entries.push(entry);
      return true;
    }
    rest += 1;
    return selected.matches === undefined;
  };
  if (source === undefined) eachSelected(served, storage, selected, after, take);
  else source.every(take);
  const last = entries[entries.length - 1];
  if (rest === 0 || last === undefined) return { entries, revision };
  return {
    entries,
    revision,
    continueToken: encodeContinue({ revision, start: last.key.slice(storage.prefix.length) }),
    remaining: selected.matches === undefined ? rest : undefined,
  };
}

/** The state at a revision that the cache has moved on from: read from the store. */
async function pastEntries(
  parts: ServerParts,
  storage: Storage,
  served: ServedResource,
  selected: Selected,
  { after, at }: PageRequest & { readonly at: number },
): Promise<readonly CacheEntry[]> {
  const prefix = prefixOf(storage, selected, served.resource.namespaced);
  try {
    const { entries } = await parts.store.range(prefix, { at, ...(after !== undefined && after >= prefix ? { after } : {}) });
    return await preparedMatches(
      served,
      selected,
      entries.map(({ key, value, revision }) => new CacheEntry(key, value, revision)),
    );
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    if (after !== undefined) throw continueExpired(after.slice(storage.prefix.length));
    throw expired(`The resourceVersion for the provided list is too old.`);
  }
}

const encoder = new TextEncoder();
const comma = encoder.encode(",");
const close = encoder.encode("]}\n");

function pageResponse(served: ServedResource, page: Page, form: Form, query: URLSearchParams, nowMs: number): ApiResponse {
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const kind = `${served.resource.kind}List`;
  if (form.as === "object" && form.media === "json" && !form.pretty) {
    // PERF: the items are the bytes that the cache carries; nothing is encoded again.
    const chunks: Uint8Array[] = [encoder.encode(`{"kind":"${kind}","apiVersion":"${served.apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`)];
    for (const entry of page.entries) {
      if (chunks.length > 1) chunks.push(comma);
      chunks.push(jsonOf(served, entry));
    }
    chunks.push(close);
    return { status: 200, headers: {}, body: { type: "bytes", contentType: "application/json", chunks } };
  }
  // PERF: here too the items are the bytes that the cache carries.
  if (form.media === "protobuf") return protobufResponse(200, listEnvelope(served, metadata, page.entries, form));
  const objects: readonly KubeObject[] = page.entries.map((entry) => viewOf(served, entry));
  if (form.as === "table") {
    const include = includeObjectOf(query);
    return valueResponse(
      200,
      tableOf(
        served,
        objects.map((object) => rowOf(served, object, include, nowMs)),
        metadata,
      ),
      form,
    );
  }
  if (form.as === "metadata") return valueResponse(200, { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items: objects.map(metadataOnly) }, form);
  return valueResponse(200, { kind, apiVersion: served.apiVersion, metadata, items: objects }, form);
}
