import { deepFreeze } from "../base/values.ts";
import type { Informer, InformerFactory, InformerHandler } from "../client/informer.ts";
import type { KubeObject } from "../meta/object.ts";
import type { Resource } from "../meta/resource.ts";

/** An informer factory for tests: its objects are what the test puts in, and it is synced from the start. */
export interface FedInformers {
  readonly factory: InformerFactory;
  put<T extends KubeObject>(resource: Resource<T>, ...objects: readonly T[]): void;
  remove(resource: Resource<KubeObject>, key: string): void;
}

interface Fed {
  readonly objects: Map<string, KubeObject>;
  readonly handlers: Set<InformerHandler<KubeObject>>;
}

export function fedInformers(): FedInformers {
  const fed = new Map<string, Fed>();
  const of = (resource: Resource<KubeObject>): Fed => {
    const found = fed.get(resource.resource) ?? { objects: new Map(), handlers: new Set() };
    fed.set(resource.resource, found);
    return found;
  };
  const factory: InformerFactory = {
    informer<T extends KubeObject>(resource: Resource<T>): Informer<T> {
      const { objects, handlers } = of(resource);
      const all = (): readonly T[] => [...objects.values()] as unknown as readonly T[];
      return {
        resource,
        synced: true,
        ended: false,
        waitForSync: () => Promise.resolve(),
        lister: {
          get: (key) => objects.get(key) as T | undefined,
          list: all,
          inNamespace: (namespace) => all().filter(({ metadata }) => metadata.namespace === namespace),
          byIndex: () => [],
        },
        subscribe(handler) {
          const taken = handler as InformerHandler<KubeObject>;
          handlers.add(taken);
          for (const object of objects.values()) taken.added?.(object);
          return () => handlers.delete(taken);
        },
      };
    },
    end(): void {},
    addIndex() {},
    waitForSync: () => Promise.resolve(),
    run: () => Promise.resolve(),
  };
  return {
    factory,
    put(resource, ...objects) {
      const { objects: held, handlers } = of(resource);
      for (const object of objects) {
        const key = [object.metadata.namespace ?? [], object.metadata.name ?? ""].flat().join("/");
        const previous = held.get(key);
        held.set(key, deepFreeze(object));
        for (const handler of handlers) {
          if (previous === undefined) handler.added?.(object);
          else handler.updated?.(previous, object);
        }
      }
    },
    remove(resource, key) {
      const { objects, handlers } = of(resource);
      const object = objects.get(key);
      if (object === undefined) return;
      objects.delete(key);
      for (const handler of handlers) handler.deleted?.(object);
    },
  };
}
