import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";
import type { Selection } from "./client.ts";

/** A local, always current copy of one resource. Handlers run synchronously, in the order of the watch. */
export interface Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly lister: Lister<T>;
  /** Whether the first list has been taken in. */
  readonly synced: boolean;
  /** Set once its resource is no longer served: the copy stays as it was, and nobody hears anything more. */
  readonly ended: boolean;
  /** Resolves when `synced`; rejects when the signal aborts. */
  waitForSync(signal: AbortSignal): Promise<void>;
  /** What is already there is replayed as added. Returns how to unsubscribe. */
  subscribe(handler: InformerHandler<T>): () => void;
}

export interface InformerHandler<T> {
  added?(object: T): void;
  updated?(previous: T, object: T): void;
  deleted?(object: T): void;
}

/** Reads the copy. Objects are frozen. */
export interface Lister<T extends KubeObject> {
  /** By `ns/name`, or `name` without a namespace. */
  get(key: string): T | undefined;
  list(): readonly T[];
  inNamespace(namespace: string): readonly T[];
  /** Objects under which `index` filed `value`; see InformerFactory.addIndex. */
  byIndex(index: string, value: string): readonly T[];
}

/** What an index files an object under: one value, several, or none. PERF: one without an array. */
export type IndexValues = string | readonly string[] | undefined;

/** One informer per resource and selection, shared by all who ask. */
export interface InformerFactory {
  /** An index must be added before the informer runs or right after it is made; `values` are an object's index values. */
  informer<T extends KubeObject>(resource: Resource<T>, selection?: Selection): Informer<T>;
  addIndex<T extends KubeObject>(informer: Informer<T>, name: string, values: (object: T) => IndexValues): void;
  /** Ends all informers of a resource that is no longer served: what they had may still be there in another version. Who asks later gets a new one. */
  end(resource: Resource<KubeObject>): void;
  /** Resolves when every informer asked for so far has synced; rejects when the signal aborts. */
  waitForSync(signal: AbortSignal): Promise<void>;
  /** Lists and watches for every informer asked for, now and later, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}
