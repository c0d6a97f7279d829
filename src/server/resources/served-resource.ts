import type { KindDefinition } from "../../api/kind.ts";
import type { SubresourceFact } from "../../api/resource-facts.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import type { Schema } from "../../meta/schema.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceCache } from "../cache/resource-cache.ts";

/** Changes between the version that is served and the one that is stored; both directions lose nothing. */
export interface Conversion {
  toStorage(object: KubeObject): KubeObject;
  fromStorage(object: KubeObject): KubeObject;
}

/** Where a resource's objects stand in the store, whatever version they are served in. */
export interface Storage {
  /** `/registry/pods/` */
  readonly prefix: string;
  readonly apiVersion: string;
  readonly cache: ResourceCache;
}

/** One resource in one version, ready to be served. Made from facts and a KindDefinition, or from a CRD. */
export interface ServedResource {
  readonly definition: KindDefinition<KubeObject>;
  readonly resource: Resource<KubeObject>;
  readonly apiVersion: string;
  readonly schema: Schema;
  readonly verbs: ReadonlySet<string>;
  readonly subresources: ReadonlyMap<string, SubresourceFact>;
  /** Absent for what is only created and answered: reviews, bindings. */
  readonly storage?: Storage | undefined;
  readonly conversion?: Conversion | undefined;
  /** How a custom object is read: pruned by its own schema instead of decoded by `schema`. */
  readonly prune?: ((value: Record<string, unknown>) => { readonly value: Record<string, unknown>; readonly problems: readonly string[] }) | undefined;
  /** Whether the status of an object is written through its own subresource. */
  readonly hasStatus: boolean;
  /** Of a custom resource: its `openAPIV3Schema`, as it is published. */
  readonly published?: { readonly [key: string]: unknown } | undefined;
}

export function keyFor(storage: Storage, namespace: string, name: string): string {
  return namespace === "" ? `${storage.prefix}${name}` : `${storage.prefix}${namespace}/${name}`;
}

const encoder = new TextEncoder();

/** The object in the served version: frozen. */
export function viewOf(served: ServedResource, entry: CacheEntry): KubeObject {
  return served.conversion === undefined ? entry.object : served.conversion.fromStorage(entry.object);
}

/** The object's JSON in the served version. */
export function jsonOf(served: ServedResource, entry: CacheEntry): Uint8Array {
  const { conversion } = served;
  if (conversion === undefined) return entry.json;
  return entry.encoded(`json ${served.apiVersion}`, ({ object }) => encoder.encode(JSON.stringify(conversion.fromStorage(object))));
}
