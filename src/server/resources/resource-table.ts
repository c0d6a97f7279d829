import type { KindDefinition } from "../../api/kind.ts";
import { builtinResources, optionalResources, type ResourceFact } from "../../api/resource-facts.ts";
import { schemaByName } from "../../api/schemas.ts";
import { invariant } from "../../base/invariant.ts";
import type { KubeObject } from "../../meta/object.ts";
import { apiVersionOf } from "../../meta/resource.ts";
import type { IndexValue } from "../cache/resource-cache.ts";
import type { StateCache } from "../cache/state-cache.ts";
import { storageOf } from "./storage-layout.ts";
import { localConversion, type VersionPair } from "./local-conversion.ts";
import type { ServedResource } from "./served-resource.ts";

/** Everything that is served, by `group/version/resource`. Custom resources come and go; `onChange` tells. */
export class ResourceTable {
  readonly #served = new Map<string, ServedResource>();
  readonly #listeners = new Set<() => void>();
  /** Rises with every change: what documents made from the table are cached by. */
  generation = 0;

  get(group: string, version: string, resource: string): ServedResource | undefined {
    return this.#served.get(`${group}/${version}/${resource}`);
  }

  hasGroupVersion(group: string, version: string): boolean {
    for (const { resource } of this.#served.values()) if (resource.group === group && resource.version === version) return true;
    return false;
  }

  all(): readonly ServedResource[] {
    return [...this.#served.values()];
  }

  /** By kind, for owner references and scale targets. */
  byKind(apiVersion: string, kind: string): ServedResource | undefined {
    for (const served of this.#served.values()) if (served.apiVersion === apiVersion && served.resource.kind === kind) return served;
    return undefined;
  }

  set(served: ServedResource): void {
    const { group, version, resource } = served.resource;
    this.#served.set(`${group}/${version}/${resource}`, served);
    this.#changed();
  }

  delete(group: string, version: string, resource: string): void {
    if (this.#served.delete(`${group}/${version}/${resource}`)) this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #changed(): void {
    this.generation += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** Kinds whose objects are stored in another version than this one. */
export interface ConversionEntry {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly conversion: Omit<VersionPair, "apiVersion">;
}

/** Serves every built-in resource of the facts, with what is particular to its kind where a definition says so. */
export function builtinTable(
  options: {
    readonly kinds: readonly KindDefinition<KubeObject>[];
    readonly conversions: readonly ConversionEntry[];
    /** Which of the versions before stable are served; none when left out. */
    readonly isServed?: ((fact: ResourceFact) => boolean) | undefined;
  },
  cache: StateCache,
): ResourceTable {
  const table = new ResourceTable();
  const definitions = new Map(options.kinds.map((definition) => [`${definition.resource.group}/${definition.resource.version}/${definition.resource.resource}`, definition]));
  for (const fact of builtinResources) {
    const key = `${fact.group}/${fact.version}/${fact.resource}`;
    const conversion = options.conversions.find((entry) => entry.group === fact.group && entry.version === fact.version && entry.resource === fact.resource)?.conversion;
    table.set(serveBuiltin(fact, definitions.get(key), conversion, cache));
  }
  for (const fact of optionalResources) {
    if (options.isServed?.(fact) !== true) continue;
    const { apiVersion } = storageOf(fact);
    const known = definitions.get(`${apiVersion}/${fact.resource}`);
    const { group, version, resource, kind, namespaced } = fact;
    const definition = known === undefined ? undefined : { ...known, resource: { group, version, resource, kind, namespaced } };
    table.set(serveBuiltin(fact, definition, apiVersion === apiVersionOf(fact) ? undefined : sameShape(apiVersionOf(fact), apiVersion), cache));
  }
  return table;
}

/** Two versions that differ by nothing but their names. */
function sameShape(served: string, stored: string): ConversionEntry["conversion"] {
  return { toStorage: (object) => ({ ...object, apiVersion: stored }), fromStorage: (object) => ({ ...object, apiVersion: served }) };
}

function serveBuiltin(fact: ResourceFact, known: KindDefinition<KubeObject> | undefined, conversion: ConversionEntry["conversion"] | undefined, cache: StateCache): ServedResource {
  const { group, version, resource, kind, namespaced } = fact;
  const handle = { group, version, resource, kind, namespaced };
  const definition: KindDefinition<KubeObject> = known ?? { resource: handle };
  const schema = schemaByName(fact.definition);
  invariant(schema, `no definition of ${fact.definition}`);
  const isStored = fact.verbs.includes("list") && resource !== "componentstatuses";
  const layout = storageOf(handle);
  const indexes: Record<string, IndexValue> = {};
  for (const field of definition.indexedFields ?? []) {
    const value = definition.fieldSelectors?.[field];
    if (value !== undefined) indexes[field] = value;
  }
  return {
    definition,
    resource: handle,
    apiVersion: apiVersionOf(handle),
    schema,
    verbs: new Set(fact.verbs),
    subresources: new Map(Object.entries(fact.subresources)),
    storage: isStored ? { prefix: layout.prefix, apiVersion: layout.apiVersion, cache: cache.resource(layout.prefix, indexes) } : undefined,
    conversion: conversion === undefined ? undefined : localConversion({ ...conversion, apiVersion: apiVersionOf(handle) }),
    ignoresIndexes: conversion !== undefined,
    hasStatus: fact.subresources["status"] !== undefined,
  };
}
