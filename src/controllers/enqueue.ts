import type { Informer } from "../client/informer.ts";
import { keyOf, type KubeObject } from "../meta/object.ts";
import type { Enqueue } from "../reconcile/controller.ts";

/** Enqueues an object's own key at every change. */
export function enqueueSelf<T extends KubeObject>(queue: Pick<Enqueue, "add">, informer: Informer<T>): void {
  const enqueue = (object: T): void => queue.add(keyOf(object));
  informer.subscribe({ added: enqueue, updated: (_previous, object) => enqueue(object), deleted: enqueue });
}

export interface EnqueueKeysOptions<T> {
  /** The part of an object that its keys come from. PERF: where an update leaves it the same, they are asked for once. */
  readonly dependsOn?: (object: T) => unknown;
  /** Whether an update changes anything for those keys; absent: each may. */
  readonly isNews?: (previous: T, object: T) => boolean;
}

/** Enqueues what `keys` names at every change of an object: for its state before and after. */
export function enqueueKeys<T extends KubeObject>(
  queue: Pick<Enqueue, "add">,
  informer: Informer<T>,
  keys: (object: T) => readonly string[],
  { dependsOn, isNews }: EnqueueKeysOptions<T> = {},
): void {
  const enqueue = (object: T): void => {
    for (const key of keys(object)) queue.add(key);
  };
  informer.subscribe({
    added: enqueue,
    updated(previous, object) {
      const after = keys(object);
      const before = dependsOn !== undefined && dependsOn(previous) === dependsOn(object) ? after : keys(previous);
      if (before.length === 0 && after.length === 0) return;
      if (isNews?.(previous, object) === false) return;
      if (before !== after) for (const key of before) queue.add(key);
      for (const key of after) queue.add(key);
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
