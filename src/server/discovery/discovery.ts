import type { ApiRequest, ApiResponse } from "../../meta/wire.ts";
import type { ResourceTable } from "../resources/resource-table.ts";
import type { ServedResource } from "../resources/served-resource.ts";
import { negotiate } from "../respond/negotiate.ts";
import { valueResponse } from "../respond/response.ts";
import type { PathHandler } from "../server.ts";
import { aggregatedDiscovery, type DiscoverySources } from "./aggregated.ts";
import type { GroupDirectory } from "./group-directory.ts";
import { groupsOf, type ServedGroup } from "./group-order.ts";

const MEDIAS = { medias: ["json", "yaml", "protobuf"] } as const;

/** `/api`, `/apis` and below: what is served, in the legacy documents and in the aggregated one. */
export function discoveryPaths(table: ResourceTable, directory?: GroupDirectory): PathHandler {
  const sources = { table, directory };
  return (request, info, query) => {
    const parts = info.path.split("/").filter((part) => part !== "");
    if ((parts[0] !== "api" && parts[0] !== "apis") || request.method !== "GET") return undefined;
    if (parts.length === 1) {
      const aggregated = aggregatedResponse(request, sources, parts[0] === "api");
      if (aggregated !== undefined) return aggregated;
    }
    const document = documentAt(sources, parts);
    return document === undefined ? undefined : valueResponse(200, document, negotiate(request, query, MEDIAS));
  };
}

function documentAt({ table, directory }: DiscoverySources, parts: readonly string[]): unknown {
  const groups = groupsOf(table.all(), directory);
  if (parts[0] === "api") {
    if (parts.length === 1) return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
    return parts.length === 2 && parts[1] === "v1" ? resourceList(groups, "", "v1") : undefined;
  }
  if (parts.length === 1) return { kind: "APIGroupList", apiVersion: "v1", groups: groups.filter(({ group }) => group !== "").map(groupDocument) };
  const group = groups.find((candidate) => candidate.group === parts[1]);
  if (group === undefined) return undefined;
  if (parts.length === 2) return { kind: "APIGroup", apiVersion: "v1", ...groupDocument(group) };
  return parts.length === 3 ? resourceList(groups, group.group, parts[2] ?? "") : undefined;
}

function groupDocument({ group, versions }: ServedGroup): { readonly name: string; readonly versions: readonly unknown[]; readonly preferredVersion: unknown } {
  const list = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] };
}

function resourceList(groups: readonly ServedGroup[], group: string, version: string): unknown {
  const resources = groups.find((candidate) => candidate.group === group)?.versions.find((candidate) => candidate.version === version)?.resources;
  if (resources === undefined) return undefined;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: group === "" ? version : `${group}/${version}`, resources: resources.flatMap(resourceEntries) };
}

/** The resource and its subresources as APIResourceList has them. */
function resourceEntries(served: ServedResource): unknown[] {
  const { definition, resource, verbs, subresources } = served;
  const main = {
    name: resource.resource,
    singularName: definition.singular ?? resource.kind.toLowerCase(),
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: [...verbs].sort(),
    ...(definition.shortNames === undefined ? {} : { shortNames: definition.shortNames }),
    ...(definition.categories === undefined ? {} : { categories: definition.categories }),
  };
  const others = [...subresources].map(([name, fact]) => ({
    name: `${resource.resource}/${name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(fact.group === resource.group && fact.version === resource.version ? {} : { group: fact.group, version: fact.version }),
    kind: fact.kind,
    verbs: [...fact.verbs].sort(),
  }));
  return [main, ...others.sort((a, b) => (a.name < b.name ? -1 : 1))];
}

function aggregatedResponse(request: ApiRequest, sources: DiscoverySources, isCore: boolean): ApiResponse | undefined {
  const accept = request.headers["accept"] ?? "";
  const asked = /application\/json;[^,]*g=apidiscovery\.k8s\.io[^,]*/.exec(accept)?.[0];
  if (asked === undefined || !asked.includes("as=APIGroupDiscoveryList")) return undefined;
  const version = asked.includes("v=v2beta1") ? "v2beta1" : "v2";
  return aggregatedDiscovery(sources, { isCore, version, ifNoneMatch: request.headers["if-none-match"] });
}
