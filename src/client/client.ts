import type { KubeList, KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import type { WatchEvent } from "../meta/watch-event.ts";

/**
 * The one way to the cluster's state. In-process and HTTPS behave alike: failures are StatusErrors, objects that come
 * back are frozen (and in-process shared with the server's cache).
 */
export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, name: string, options?: GetOptions): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** Batches of events from `resourceVersion` on. Ends when the server ends it; throws StatusError (410: list again). */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<readonly WatchEvent<T>[]>;
  create<T extends KubeObject>(resource: Resource<T>, object: NewObject<T>, options?: WriteOptions): Promise<T>;
  /** Replaces; with metadata.resourceVersion set, only that version (409 Conflict otherwise). */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, name: string, patch: Patch, options?: WriteOptions): Promise<T>;
  /** Resolves the object as it stands when deletion waits for grace or finalizers, a Status otherwise. */
  delete(resource: Resource<KubeObject>, name: string, options?: DeleteOptions): Promise<KubeObject>;
  deleteCollection(resource: Resource<KubeObject>, options?: DeleteOptions & Selection): Promise<void>;
  /** POST to a subresource whose object differs from the resource's: `binding`, `eviction`, `token`. */
  createSubresource<Answer>(resource: Resource<KubeObject>, name: string, subresource: string, body: unknown, options?: WriteOptions): Promise<Answer>;
  /** Any path: `/version`, `/apis/…`. */
  raw(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown>;
}

/** What create takes: the server fills in the rest; apiVersion and kind follow from the resource. */
export type NewObject<T> = Omit<T, "apiVersion" | "kind" | "spec"> & { readonly apiVersion?: string; readonly kind?: string } & ("spec" extends keyof T
    ? { readonly spec?: T["spec"] }
    : unknown);

export interface Place {
  readonly namespace?: string | undefined;
}
export interface GetOptions extends Place {
  readonly resourceVersion?: string;
  readonly subresource?: string;
  readonly signal?: AbortSignal;
}
export interface Selection extends Place {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}
export interface ListOptions extends Selection {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
  readonly signal?: AbortSignal;
}
export interface WatchOptions extends Selection {
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}
export interface WriteOptions extends Place {
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}
export interface DeleteOptions extends Place {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export type Patch =
  | { readonly type: "json"; readonly operations: readonly JsonPatchOperation[] }
  | { readonly type: "merge"; readonly value: unknown }
  | { readonly type: "strategic"; readonly value: unknown }
  | { readonly type: "apply"; readonly value: unknown; readonly force?: boolean };

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}
