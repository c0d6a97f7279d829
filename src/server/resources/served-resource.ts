import type { KindDefinition } from "../../api/kind.ts";
import type { SubresourceFact } from "../../api/resource-facts.ts";
import type { KubeObject } from "../../meta/object.ts";
import type { Resource } from "../../meta/resource.ts";
import type { Schema } from "../../meta/schema.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { ResourceCache } from "../cache/resource-cache.ts";
import type { Retirement } from "./retirement.ts";

/**
 * How objects come from the form they are stored in to the one they are served in. `view` and `json` are synchronous:
 * who reads entries awaits `prepare` first, which costs nothing where nobody else has to be asked.
 */
export interface Conversion {
  /** Resolves when `view` has these entries at hand; undefined when it has them already. Rejects with a StatusError. */
  readonly prepare?: ((entries: readonly CacheEntry[]) => Promise<void> | undefined) | undefined;
  /** The object in the served version: frozen. */
  view(entry: CacheEntry): KubeObject;
  /** The object's JSON in the served version. */
  json(entry: CacheEntry): Uint8Array;
  /** Bytes made of an entry's view, kept for as long as the entry and this conversion are in use. */
  encoded(entry: CacheEntry, name: string, encode: (entry: CacheEntry) => Uint8Array): Uint8Array;
  toStorage(object: KubeObject): KubeObject | Promise<KubeObject>;
  /** From the storage version; a custom object may come in any version of its definition. */
  fromStorage(object: KubeObject): KubeObject | Promise<KubeObject>;
}

/** Another version of a kind: its shape, and how objects of any version become it. */
export interface OtherVersion {
  readonly schema: Schema;
  convert(object: KubeObject): KubeObject | Promise<KubeObject>;
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
  /** Of a custom resource: its other versions, served or not. */
  otherVersion?(apiVersion: string): OtherVersion | undefined;
  /** How a custom object is read: pruned by its own schema instead of decoded by `schema`. */
  readonly prune?: ((value: Record<string, unknown>) => { readonly value: Record<string, unknown>; readonly problems: readonly string[] }) | undefined;
  /** Set where the cache's indexes do not file entries by what this version shows of them. */
  readonly ignoresIndexes?: boolean;
  /** Whether the status of an object is written through its own subresource. */
  readonly hasStatus: boolean;
  /** Of what may change or go: when it is no longer served like this, watches end. */
  readonly retirement?: Retirement | undefined;
  /** Of a custom resource: its `openAPIV3Schema`, as it is published. */
  readonly published?: { readonly [key: string]: unknown } | undefined;
}

export function keyFor(storage: Storage, namespace: string, name: string): string {
  return namespace === "" ? `${storage.prefix}${name}` : `${storage.prefix}${namespace}/${name}`;
}

/** The object in the served version: frozen. What has a conversion must have been prepared. */
export function viewOf({ conversion }: ServedResource, entry: CacheEntry): KubeObject {
  return conversion === undefined ? entry.object : conversion.view(entry);
}

/** The object's JSON in the served version. */
export function jsonOf({ conversion }: ServedResource, entry: CacheEntry): Uint8Array {
  return conversion === undefined ? entry.json : conversion.json(entry);
}

/** Bytes that are made once of an entry as it is served. */
export function encodedOf({ conversion }: ServedResource, entry: CacheEntry, name: string, encode: (entry: CacheEntry) => Uint8Array): Uint8Array {
  return conversion === undefined ? entry.encoded(name, encode) : conversion.encoded(entry, name, encode);
}

/** To be awaited before entries are read; undefined when they can be read at once. */
export function prepared({ conversion }: ServedResource, entries: readonly CacheEntry[]): Promise<void> | undefined {
  return conversion?.prepare?.(entries);
}

/** An object in the form it is stored in. */
export function toStorage({ conversion }: ServedResource, object: KubeObject): KubeObject | Promise<KubeObject> {
  return conversion === undefined ? object : conversion.toStorage(object);
}
