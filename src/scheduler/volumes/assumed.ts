import type { KubeObject } from "../../meta/object.ts";
import type { Lister } from "../../client/informer.ts";

/**
 * Objects as they will be once our writes have come back: what is assumed stands until the object changes underneath
 * it, or is forgotten. @upstream pkg/scheduler/util/assumecache
 */
export class Assumed<T extends KubeObject> {
  readonly #lister: Lister<T>;
  readonly #assumed = new Map<string, { readonly version: string | undefined; readonly object: T }>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: string): T | undefined {
    const current = this.#lister.get(key);
    const assumed = this.#assumed.get(key);
    if (assumed === undefined) return current;
    if (current !== undefined && current.metadata.resourceVersion === assumed.version) return assumed.object;
    this.#assumed.delete(key);
    return current;
  }

  /** As the server has it. */
  actual(key: string): T | undefined {
    return this.#lister.get(key);
  }

  list(): readonly T[] {
    if (this.#assumed.size === 0) return this.#lister.list();
    return this.#lister
      .list()
      .map((object) => this.get(object.metadata.namespace === undefined ? (object.metadata.name ?? "") : `${object.metadata.namespace}/${object.metadata.name ?? ""}`) ?? object);
  }

  assume(key: string, object: T): void {
    const current = this.#lister.get(key);
    if (current !== undefined) this.#assumed.set(key, { version: current.metadata.resourceVersion, object });
  }

  forget(key: string): void {
    this.#assumed.delete(key);
  }
}
