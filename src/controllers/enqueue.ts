import type { Informer } from "../client/informer.ts";
import { keyOf, type KubeObject } from "../meta/object.ts";
import type { Enqueue } from "../reconcile/controller.ts";

/** Enqueues an object's own key at every change. */
export function enqueueSelf<T extends KubeObject>(queue: Pick<Enqueue, "add">, informer: Informer<T>): void {
  enqueueKeys(queue, informer, (object) => [keyOf(object)]);
}

/** Enqueues what `keys` names at every change of an object: for its state before and after. */
export function enqueueKeys<T extends KubeObject>(queue: Pick<Enqueue, "add">, informer: Informer<T>, keys: (object: T) => readonly string[]): void {
  const enqueue = (object: T): void => {
    for (const key of keys(object)) queue.add(key);
  };
  informer.subscribe({
    added: enqueue,
    updated(previous, object) {
      enqueue(previous);
      enqueue(object);
    },
    deleted: enqueue,
  });
}

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
