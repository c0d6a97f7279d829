import { notFound } from "../../meta/status-error.ts";
import type { ApiResponse } from "../../meta/wire.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceContext, ServerParts } from "../context.ts";
import { jsonOf, keyFor, prepared, type ServedResource, type Storage, viewOf } from "../resources/served-resource.ts";
import { type Form, negotiate } from "../respond/negotiate.ts";
import { envelopeOf, offerOf } from "../respond/protobuf.ts";
import { jsonResponse, metadataOnly, protobufResponse, valueResponse } from "../respond/response.ts";
import { includeObjectOf, rowOf, tableOf } from "../respond/table.ts";
import { parseResourceVersion, waitForRevision } from "./resource-version.ts";

/** GET of one object. */
export async function get(parts: ServerParts, context: ResourceContext, storage: Storage): Promise<ApiResponse> {
  const { served, target, query, request } = context;
  const form = negotiate(request, query, offerOf(served));
  const revision = parseResourceVersion(query.get("resourceVersion"), "GetOptions");
  await waitForRevision(parts.cache, revision, parts.clock);
  const entry = storage.cache.get(keyFor(storage, target.namespace, target.name));
  if (entry === undefined) throw notFound({ ...served.resource, name: target.name });
  return entryResponse(200, served, entry, form, query, parts.clock.now());
}

/** One cached object in the wanted form, at once where nobody else has to be asked: in JSON, the bytes it carries. */
export function entryResponse(status: number, served: ServedResource, entry: CacheEntry, form: Form, query: URLSearchParams, nowMs: number): ApiResponse | Promise<ApiResponse> {
  const pending = prepared(served, [entry]);
  return pending === undefined ? preparedResponse(status, served, entry, form, query, nowMs) : pending.then(() => preparedResponse(status, served, entry, form, query, nowMs));
}

function preparedResponse(status: number, served: ServedResource, entry: CacheEntry, form: Form, query: URLSearchParams, nowMs: number): ApiResponse {
  if (form.as === "object" && form.media === "json" && !form.pretty) return jsonResponse(status, jsonOf(served, entry));
  if (form.media === "protobuf") return protobufResponse(status, envelopeOf(served, entry, form));
  const object = viewOf(served, entry);
  if (form.as === "table")
    return valueResponse(status, tableOf(served, [rowOf(served, object, includeObjectOf(query), nowMs)], { resourceVersion: object.metadata.resourceVersion }), form);
  return valueResponse(status, form.as === "metadata" ? metadataOnly(object) : object, form);
}

/** What a writer is answered with. */
export function formFor(context: ResourceContext): Form {
  const form = negotiate(context.request, context.query, offerOf(context.served));
  // Refused before anything is written, not after.
  if (form.as === "table") includeObjectOf(context.query);
  return form;
}
