import type { PeerKind, PeerResource, PeerSubresource } from "../discovery/group-directory.ts";

/** More than that nobody serves; what is beyond is left out. */
const MOST = 5_000;

type Json = { readonly [key: string]: unknown };

/** What an APIGroupDiscoveryList of another server says, by `group/version`; undefined when it is none. */
export function readAggregated(document: unknown): ReadonlyMap<string, readonly PeerResource[]> | undefined {
  if (json(document)["kind"] !== "APIGroupDiscoveryList") return undefined;
  const found = new Map<string, readonly PeerResource[]>();
  for (const group of list(json(document)["items"])) {
    const name = text(json(json(group)["metadata"])["name"]);
    for (const version of list(json(group)["versions"])) {
      const { version: versionName, resources } = json(version);
      found.set(`${name}/${text(versionName)}`, list(resources).map(readResource));
    }
  }
  return found;
}

function readResource(value: unknown): PeerResource {
  const { resource, responseKind, scope, singularResource, verbs, shortNames, categories, subresources } = json(value);
  const subs = list(subresources).map(readSubresource);
  return {
    resource: text(resource),
    ...kindPart(responseKind),
    scope: scope === "Namespaced" ? "Namespaced" : "Cluster",
    singularResource: text(singularResource),
    verbs: texts(verbs),
    ...named("shortNames", texts(shortNames)),
    ...named("categories", texts(categories)),
    ...(subs.length === 0 ? {} : { subresources: subs }),
  };
}

function readSubresource(value: unknown): PeerSubresource {
  const { subresource, responseKind, verbs } = json(value);
  return { subresource: text(subresource), ...kindPart(responseKind), verbs: texts(verbs) };
}

/** What an APIResourceList says in the newer form; undefined when it is none. @upstream apiserver/pkg/endpoints/installer.go ConvertGroupVersionIntoToDiscovery */
export function readLegacy(document: unknown, { group, version }: { readonly group: string; readonly version: string }): readonly PeerResource[] | undefined {
  if (json(document)["kind"] !== "APIResourceList") return undefined;
  const subresources = new Map<string, PeerSubresource[]>();
  const mains: PeerResource[] = [];
  for (const entry of list(json(document)["resources"])) {
    const { name, kind, group: ownGroup, version: ownVersion, namespaced, singularName, verbs, shortNames, categories } = json(entry);
    const [resource = "", ...rest] = text(name).split("/");
    const responseKind = { group: text(ownGroup) === "" ? group : text(ownGroup), version: text(ownVersion) === "" ? version : text(ownVersion), kind: text(kind) };
    if (rest.length > 0) {
      const known = subresources.get(resource) ?? [];
      known.push({ subresource: rest.join("/"), responseKind, verbs: texts(verbs) });
      subresources.set(resource, known);
      continue;
    }
    mains.push({
      resource,
      responseKind,
      scope: namespaced === true ? "Namespaced" : "Cluster",
      singularResource: text(singularName),
      verbs: texts(verbs),
      ...named("shortNames", texts(shortNames)),
      ...named("categories", texts(categories)),
    });
  }
  return mains.map((main) => {
    const own = subresources.get(main.resource);
    return own === undefined ? main : { ...main, subresources: own };
  });
}

/** The hashes in an index of OpenAPI v3 documents, by path: `apis/wardle.example.com/v1`. */
export function readOpenApiIndex(document: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [path, entry] of Object.entries(json(json(document)["paths"])).slice(0, MOST)) {
    const url = text(json(entry)["serverRelativeURL"]);
    found.set(path, new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("hash") ?? "");
  }
  return found;
}

function kindPart(value: unknown): { readonly responseKind?: PeerKind } {
  const { group, version, kind } = json(value);
  return text(kind) === "" ? {} : { responseKind: { group: text(group), version: text(version), kind: text(kind) } };
}

function named<Name extends string>(name: Name, values: readonly string[]): { readonly [key in Name]?: readonly string[] } {
  return (values.length === 0 ? {} : { [name]: values }) as { readonly [key in Name]?: readonly string[] };
}

function json(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value.slice(0, MOST) as readonly unknown[]) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): readonly string[] {
  return list(value).filter((item): item is string => typeof item === "string");
}
