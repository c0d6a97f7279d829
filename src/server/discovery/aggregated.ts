import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { groupsOf } from "./group-order.ts";
import { textHash } from "./text-hash.ts";

const encoder = new TextEncoder();

/** APIGroupDiscoveryList: every group, version and resource in one document, with an ETag. @upstream KEP-3352 */
export function aggregatedDiscovery(table: ResourceTable, isCore: boolean, version: "v2" | "v2beta1", ifNoneMatch: string | undefined): ApiResponse {
  const { json, etag } = documentOf(table, isCore, version);
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { etag, vary: "Accept", "cache-control": "no-cache, private" };
  if (ifNoneMatch === etag) return { status: 304, headers, body: { type: "empty" } };
  return { status: 200, headers, body: { type: "bytes", contentType, chunks: [json] } };
}

interface Encoded {
  readonly generation: number;
  readonly json: Uint8Array;
  readonly etag: string;
}
const documents = new WeakMap<ResourceTable, Map<string, Encoded>>();

function documentOf(table: ResourceTable, isCore: boolean, version: string): Encoded {
  const cached = documents.get(table) ?? new Map<string, Encoded>();
  documents.set(table, cached);
  const key = `${version} ${isCore}`;
  const known = cached.get(key);
  if (known?.generation === table.generation) return known;
  const items = groupsOf(table.all())
    .filter(({ group }) => (group === "") === isCore)
    .map(({ group, versions }) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((entry) => ({ version: entry.version, resources: entry.resources.map(resourceDocument), freshness: "Current" })),
    }));
  const text = JSON.stringify({ kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items });
  const encoded = { generation: table.generation, json: encoder.encode(text), etag: `"${textHash(text).toUpperCase()}"` };
  cached.set(key, encoded);
  return encoded;
}

function resourceDocument(served: ServedResource): unknown {
  const { definition, resource, verbs, subresources } = served;
  const { group, version, kind } = resource;
  return {
    resource: resource.resource,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: definition.singular ?? kind.toLowerCase(),
    verbs: [...verbs].sort(),
    ...(definition.shortNames === undefined ? {} : { shortNames: definition.shortNames }),
    ...(definition.categories === undefined ? {} : { categories: definition.categories }),
    ...(subresources.size === 0
      ? {}
      : {
          subresources: [...subresources].map(([name, fact]) => ({
            subresource: name,
            responseKind: { group: fact.group, version: fact.version, kind: fact.kind },
            verbs: [...fact.verbs].sort(),
          })),
        }),
  };
}
