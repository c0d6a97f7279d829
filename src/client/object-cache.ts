import { keyOf, type KubeObject } from "../meta/object.ts";
import type { Lister } from "./informer.ts";

/** Objects by key, with the array of them made when asked for and kept until the next change. */
class Bucket<T> {
  readonly byKey = new Map<string, T>();
  #all: readonly T[] | undefined;

  set(key: string, object: T): void {
    this.byKey.set(key, object);
    this.#all = undefined;
  }

  delete(key: string): void {
    this.byKey.delete(key);
    this.#all = undefined;
  }

  get all(): readonly T[] {
    this.#all ??= [...this.byKey.values()];
    return this.#all;
  }
}

interface Index<T> {
  readonly values: (object: T) => readonly string[];
  /** `{"node-1" => pods on it}` */
  readonly buckets: Map<string, Bucket<T>>;
}

const NAMESPACE = "namespace";

/**
 * The objects of one informer: `{"ns/web" => Pod}` and, per index, the same objects under each value. The index
 * `namespace` is always there. Arrays given out are shared: never change one.
 */
export class ObjectCache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Bucket<T>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(NAMESPACE, ({ metadata: { namespace } }) => (namespace === undefined ? [] : [namespace]));
  }

  /** Also over what is there already. An index of that name that exists stays as it is. */
  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { values, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects.byKey) file(index, key, object);
  }

  get size(): number {
    return this.#objects.byKey.size;
  }

  get(key: string): T | undefined {
    return this.#objects.byKey.get(key);
  }

  list(): readonly T[] {
    return this.#objects.all;
  }

  keys(): IterableIterator<string> {
    return this.#objects.byKey.keys();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.byIndex(NAMESPACE, namespace);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no index "${name}"`);
    return index.buckets.get(value)?.all ?? [];
  }

  /** Returns what stood there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const previous = this.#objects.byKey.get(key);
    this.put(key, object, previous);
    return previous;
  }

  /** The same for who knows its key, and what stands there: undefined when nothing does. */
  put(key: string, object: T, previous: T | undefined): void {
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous === undefined) file(index, key, object);
      else refile(index, key, previous, object);
    }
  }

  /** Returns what stood there. */
  delete(key: string): T | undefined {
    const previous = this.#objects.byKey.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) unfile(index, key, previous);
    return previous;
  }
}

function file<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    let bucket = index.buckets.get(value);
    if (bucket === undefined) {
      bucket = new Bucket<T>();
      index.buckets.set(value, bucket);
    }
    bucket.set(key, object);
  }
}

/** PERF: most changes leave an object under the values that it had. */
function refile<T>(index: Index<T>, key: string, previous: T, object: T): void {
  const before = index.values(previous);
  const after = index.values(object);
  if (before.length !== after.length || before.some((value, at) => value !== after[at])) unfile(index, key, previous);
  file(index, key, object);
}

function unfile<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value);
    if (bucket === undefined) continue;
    bucket.delete(key);
    if (bucket.byKey.size === 0) index.buckets.delete(value);
  }
}
