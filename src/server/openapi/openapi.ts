import { failure } from "../../meta/status-error.ts";
import type { ApiRequest, ApiResponse } from "../../meta/wire.ts";
import { textHash } from "../discovery/text-hash.ts";
import { acceptedTypes } from "../respond/negotiate.ts";
import type { PathHandler } from "../server.ts";
import { type EncodedDocument, OpenApiDocuments } from "./documents.ts";
import type { PeerDocuments } from "./peer-documents.ts";
import type { ResourceTable } from "../resources/resource-table.ts";

const encoder = new TextEncoder();
const PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** Types by what may be asked for: client-go's has a sign that no media type may have. @upstream kube-openapi/pkg/handler/handler.go */
const TYPES_V2: { readonly [asked: string]: string | undefined } = {
  "application/json": "application/json",
  [PROTOBUF_V2]: PROTOBUF_V2,
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf": PROTOBUF_V2,
};
const TYPES_JSON: { readonly [asked: string]: string | undefined } = { "application/json": "application/json" };
const YEAR_MS = 365 * 86_400_000;

export interface OpenApiDeps {
  readonly table: ResourceTable;
  readonly clock: { now(): number };
  /** Absent: nobody else serves anything. Requests for their v3 documents do not come here. */
  readonly peers?: PeerDocuments | undefined;
}

/** `/openapi/v2`, `/openapi/v3` and below. `version` is what the documents call the API: `v1.36.0`. */
export function openApiPaths(options: { readonly version: string }, deps: OpenApiDeps): PathHandler {
  const documents = new OpenApiDocuments(options, deps);
  return (request, { path }, query) => {
    if (!path.startsWith("/openapi/") || (request.method !== "GET" && request.method !== "HEAD")) return undefined;
    if (path === "/openapi/v2") {
      const type = typeFor(request, TYPES_V2);
      const form = type === PROTOBUF_V2 ? "protobuf" : "json";
      return deps.peers === undefined ? answer(request, documents.v2(form), type) : deps.peers.v2().then((peers) => answer(request, documents.v2(form, peers), type));
    }
    if (path === "/openapi/v3" || path === "/openapi/v3/") return answer(request, indexOf(documents, deps.peers?.hashes()), typeFor(request, TYPES_JSON));
    if (!path.startsWith("/openapi/v3/")) return undefined;
    const key = path.slice("/openapi/v3/".length);
    const document = documents.v3(key);
    if (document === undefined) return undefined;
    const type = typeFor(request, TYPES_JSON);
    const hash = query.get("hash");
    if (hash === null) return answer(request, document, type);
    // A document is named by its hash: what has another one is elsewhere, what has this one never changes.
    if (hash !== document.hash) return { status: 301, headers: { location: urlOf(key, document) }, body: { type: "empty" } };
    const expires = new Date(deps.clock.now() + YEAR_MS).toUTCString();
    return answer(request, document, type, { "cache-control": "public, immutable", expires });
  };
}

function urlOf(key: string, { hash }: Pick<EncodedDocument, "hash">): string {
  return `/openapi/v3/${key}?hash=${encodeURIComponent(hash)}`;
}

function indexOf(documents: OpenApiDocuments, others: ReadonlyMap<string, string | undefined> = new Map()): EncodedDocument {
  const paths: Record<string, { readonly serverRelativeURL: string }> = {};
  for (const key of [...new Set([...documents.keys(), ...others.keys()])].sort()) {
    const hash = others.has(key) ? others.get(key) : documents.v3(key)?.hash;
    if (hash !== undefined) paths[key] = { serverRelativeURL: hash === "" ? `/openapi/v3/${key}` : urlOf(key, { hash }) };
  }
  const text = JSON.stringify({ paths });
  return { bytes: encoder.encode(text), hash: textHash(text).toUpperCase() };
}

function typeFor(request: ApiRequest, types: { readonly [asked: string]: string | undefined }): string {
  for (const asked of acceptedTypes(request)) {
    if (asked === "*/*" || asked === "application/*") return "application/json";
    const type = Object.hasOwn(types, asked) ? types[asked] : undefined;
    if (type !== undefined) return type;
  }
  throw failure("NotAcceptable", `only the following media types are accepted: ${[...new Set(Object.values(types))].join(", ")}`);
}

function answer(request: ApiRequest, document: EncodedDocument, contentType: string, more: ApiResponse["headers"] = {}): ApiResponse {
  const etag = `"${document.hash}"`;
  const headers = { "cache-control": "no-cache, private", ...more, etag, vary: "Accept" };
  if (request.headers["if-none-match"]?.split(",").some((tag) => tag.trim() === etag) === true) return { status: 304, headers, body: { type: "empty" } };
  return { status: 200, headers, body: { type: "bytes", contentType, chunks: [document.bytes] } };
}
