import { keyOf, type KubeObject } from "../meta/object.ts";
import type { IndexValues, Lister } from "./informer.ts";

/** One object's place, whichever version of it stands there. */
export interface Slot<T> {
  readonly object: T;
}

interface Held<T> extends Slot<T> {
  object: T;
  /** By index, in the order in which they were added: the buckets that it is in. PERF: none and one, the usual, without an array. */
  readonly in: (Bucket<T> | readonly Bucket<T>[] | undefined)[];
}

/** Slots under one value, with the array of their objects made when asked for and kept until the next change. */
class Bucket<T> {
  readonly value: string;
  readonly slots = new Set<Slot<T>>();
  #all: readonly T[] | undefined;

  constructor(value: string) {
    this.value = value;
  }

  changed(): void {
    this.#all = undefined;
  }

  get all(): readonly T[] {
    this.#all ??= Array.from(this.slots, objectOf);
    return this.#all;
  }
}

interface Index<T> {
  readonly values: (object: T) => IndexValues;
  /** `{"node-1" => pods on it}` */
  readonly buckets: Map<string, Bucket<T>>;
}

const NAMESPACE = "namespace";
const none: readonly never[] = [];

/**
 * The objects of one informer: `{"ns/web" => Pod}` and, per index, the same objects under each value. The index
 * `namespace` is always there. Arrays given out are shared: never change one.
 *
 * PERF: buckets hold slots, not objects: a new version of an object whose values stay is written to its slot alone.
 */
export class ObjectCache<T extends KubeObject> implements Lister<T> {
  readonly #slots = new Map<string, Held<T>>();
  readonly #named = new Map([[NAMESPACE, 0]]);
  readonly #byNamespace: Index<T> = { values: ({ metadata: { namespace } }) => namespace, buckets: new Map() };
  readonly #indexes: Index<T>[] = [this.#byNamespace];
  #all: readonly T[] | undefined;

  /** Also over what is there already. An index of that name that exists stays as it is. */
  addIndex(name: string, values: (object: T) => IndexValues): void {
    if (this.#named.has(name)) return;
    const index: Index<T> = { values, buckets: new Map() };
    this.#named.set(name, this.#indexes.length);
    this.#indexes.push(index);
    for (const slot of this.#slots.values()) slot.in.push(file(index, slot, values(slot.object)));
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: string): T | undefined {
    return this.#slots.get(key)?.object;
  }

  list(): readonly T[] {
    this.#all ??= Array.from(this.#slots.values(), objectOf);
    return this.#all;
  }

  keys(): IterableIterator<string> {
    return this.#slots.keys();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#byNamespace.buckets.get(namespace)?.all ?? none;
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes[this.#named.get(name) ?? -1];
    if (index === undefined) throw new Error(`there is no index "${name}"`);
    return index.buckets.get(value)?.all ?? none;
  }

  /** Returns what stood there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const slot = this.find(key);
    const previous = slot?.object;
    if (slot === undefined) this.add(key, object);
    else this.replace(slot, object);
    return previous;
  }

  /** Where the object of that key stands. */
  find(key: string): Slot<T> | undefined {
    return this.#slots.get(key);
  }

  /** Only where none of that key stands. */
  add(key: string, object: T): void {
    const slot: Held<T> = { object, in: [] };
    for (const index of this.#indexes) slot.in.push(file(index, slot, index.values(object)));
    this.#slots.set(key, slot);
    this.#all = undefined;
  }

  /** Puts the next version of an object in its place. */
  replace(slot: Slot<T>, object: T): void {
    const held = slot as Held<T>;
    held.object = object;
    this.#all = undefined;
    let at = 0;
    for (const index of this.#indexes) {
      const values = index.values(object);
      const buckets = held.in[at];
      if (isUnder(buckets, values)) changed(buckets);
      else {
        unfile(index, held, buckets);
        held.in[at] = file(index, held, values);
      }
      at += 1;
    }
  }

  /** Returns what stood there. */
  delete(key: string): T | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    this.#all = undefined;
    this.#indexes.forEach((index, at) => unfile(index, slot, slot.in[at]));
    return slot.object;
  }
}

const objectOf = <T>(slot: Slot<T>): T => slot.object;

function file<T>(index: Index<T>, slot: Slot<T>, values: IndexValues): Held<T>["in"][number] {
  if (values === undefined) return undefined;
  return typeof values === "string" ? fileUnder(index, slot, values) : values.map((value) => fileUnder(index, slot, value));
}

function fileUnder<T>({ buckets }: Index<T>, slot: Slot<T>, value: string): Bucket<T> {
  let bucket = buckets.get(value);
  if (bucket === undefined) {
    bucket = new Bucket<T>(value);
    buckets.set(value, bucket);
  }
  bucket.slots.add(slot);
  bucket.changed();
  return bucket;
}

function unfile<T>(index: Index<T>, slot: Slot<T>, from: Held<T>["in"][number]): void {
  if (from instanceof Bucket) unfileFrom(index, slot, from);
  else if (from !== undefined) for (const bucket of from) unfileFrom(index, slot, bucket);
}

function unfileFrom<T>({ buckets }: Index<T>, slot: Slot<T>, bucket: Bucket<T>): void {
  bucket.slots.delete(slot);
  bucket.changed();
  if (bucket.slots.size === 0) buckets.delete(bucket.value);
}

function changed<T>(buckets: Held<T>["in"][number]): void {
  if (buckets instanceof Bucket) buckets.changed();
  else if (buckets !== undefined) for (const bucket of buckets) bucket.changed();
}

/** Whether these are the buckets of those values. */
function isUnder<T>(buckets: Held<T>["in"][number], values: IndexValues): boolean {
  if (buckets === undefined || values === undefined) return buckets === values;
  if (buckets instanceof Bucket) return buckets.value === values;
  return typeof values !== "string" && buckets.length === values.length && buckets.every(({ value }, at) => value === values[at]);
}
