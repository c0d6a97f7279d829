import type { ApiResponse } from "../../meta/wire.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import type { GroupDirectory } from "./group-directory.ts";
import { groupsOf } from "./group-order.ts";
import { textHash } from "./text-hash.ts";

const encoder = new TextEncoder();

/** What discovery is made from. */
export interface DiscoverySources {
  readonly table: ResourceTable;
  /** Absent: nobody else serves anything. */
  readonly directory?: GroupDirectory | undefined;
}

/** APIGroupDiscoveryList: every group, version and resource in one document, with an ETag. @upstream KEP-3352 */
export function aggregatedDiscovery(
  { table, directory }: DiscoverySources,
  { isCore, version, ifNoneMatch }: { readonly isCore: boolean; readonly version: "v2" | "v2beta1"; readonly ifNoneMatch: string | undefined },
): ApiResponse {
  const { json, etag } = documentOf({ table, directory }, isCore, version);
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { etag, vary: "Accept", "cache-control": "no-cache, private" };
  if (ifNoneMatch === etag) return { status: 304, headers, body: { type: "empty" } };
  return { status: 200, headers, body: { type: "bytes", contentType, chunks: [json] } };
}

interface Encoded {
  /** Of the table and of the directory. */
  readonly generation: string;
  readonly json: Uint8Array;
  readonly etag: string;
}
const documents = new WeakMap<ResourceTable, Map<string, Encoded>>();

function documentOf({ table, directory }: DiscoverySources, isCore: boolean, version: string): Encoded {
  const generation = `${table.generation} ${directory?.generation ?? 0}`;
  const cached = documents.get(table) ?? new Map<string, Encoded>();
  documents.set(table, cached);
  const key = `${version} ${isCore}`;
  const known = cached.get(key);
  if (known?.generation === generation) return known;
  const items = groupsOf(table.all(), directory)
    .filter(({ group }) => (group === "") === isCore)
    .map(({ group, versions }) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map(({ version: name, resources, peer }) => ({
        version: name,
        resources: peer?.resources ?? resources.map(resourceDocument),
        freshness: peer?.freshness ?? "Current",
      })),
    }));
  const text = JSON.stringify({ kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items });
  const encoded = { generation, json: encoder.encode(text), etag: `"${textHash(text).toUpperCase()}"` };
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
