import type { Informer } from "../client/informer.ts";
import { keyOf, type KubeObject } from "../meta/object.ts";
import type { Enqueue } from "../reconcile/controller.ts";

/** Enqueues an object's own key at every change. */
export function enqueueSelf<T extends KubeObject>(queue: Pick<Enqueue, "add">, informer: Informer<T>): void {
  const enqueue = (object: T): void => queue.add(keyOf(object));
  informer.subscribe({ added: enqueue, updated: (_previous, object) => enqueue(object), deleted: enqueue });
}

/**
 * Enqueues what `keys` names at every change of an object: for its state before and after. PERF: for the latter alone where
 * `dependsOn`, the part of the object that the keys come from, is the same.
 */
export function enqueueKeys<T extends KubeObject>(
  queue: Pick<Enqueue, "add">,
  informer: Informer<T>,
  keys: (object: T) => readonly string[],
  dependsOn?: (object: T) => unknown,
): void {
  const enqueue = (object: T): void => {
    for (const key of keys(object)) queue.add(key);
  };
  informer.subscribe({
    added: enqueue,
    updated(previous, object) {
      if (dependsOn === undefined || dependsOn(previous) !== dependsOn(object)) enqueue(previous);
      enqueue(object);
    },
    deleted: enqueue,
  });
}

/** For those who are found by an object's labels. */
export const labelsOf = ({ metadata }: KubeObject): unknown => metadata.labels;

/** The queue that setup was given, for what reconcile enqueues itself. */
export class LateQueue implements Enqueue {
  #queue: Enqueue | undefined;

  bind(queue: Enqueue): void {
    this.#queue = queue;
  }

  add(key: string): void {
    this.#queue?.add(key);
  }

  addAfter(key: string, delayMs: number): void {
    this.#queue?.addAfter(key, delayMs);
  }
}
