import { FieldSelector } from "../../meta/field-selector.ts";
import { LabelSelector } from "../../meta/label-selector.ts";
import type { KubeObject } from "../../meta/object.ts";
import { badRequest } from "../../meta/status-error.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import { prepared, type ServedResource, type Storage, viewOf } from "../resources/served-resource.ts";

/** Which objects a list or watch is about. */
export interface Selected {
  readonly namespace: string;
  /** From the path or a field selector on metadata.name; empty for all. */
  readonly name: string;
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** An index that already narrows the selection, with the value to look up. */
  readonly index: { readonly name: string; readonly value: string } | undefined;
}

/** Reads labelSelector and fieldSelector; unknown field labels are refused as upstream words it. */
export function selectionOf(served: ServedResource, target: { readonly namespace: string; readonly name: string }, query: URLSearchParams): Selected {
  const labelText = query.get("labelSelector") ?? "";
  const fieldText = query.get("fieldSelector") ?? "";
  const tests: ((object: KubeObject) => boolean)[] = [];
  let { name, namespace } = target;
  let index: Selected["index"];
  if (labelText !== "") {
    const selector = LabelSelector.parse(labelText);
    if (!selector.matchesEverything) tests.push(({ metadata }) => selector.matches(metadata.labels ?? {}));
  }
  if (fieldText !== "") {
    // PERF: a field is read once, however many values it must not have.
    const excluded = new Map<string, Set<string>>();
    for (const { field, operator, value } of FieldSelector.parse(fieldText).requirements) {
      const unwanted = excluded.get(field);
      if (operator === "!=" && unwanted !== undefined) {
        unwanted.add(value);
        continue;
      }
      const read = fieldReader(served, field);
      if (operator === "=") {
        if (field === "metadata.name" && name === "") name = value;
        else if (field === "metadata.namespace" && namespace === "" && served.resource.namespaced) namespace = value;
        else if (index === undefined && served.definition.indexedFields?.includes(field) === true && served.ignoresIndexes !== true) index = { name: field, value };
        tests.push((object) => read(object) === value);
      } else {
        const values = new Set([value]);
        excluded.set(field, values);
        tests.push((object) => !values.has(read(object)));
      }
    }
  }
  const [only] = tests;
  const matches = tests.length === 0 ? undefined : tests.length === 1 ? only : (object: KubeObject) => tests.every((test) => test(object));
  return { namespace, name, matches, index };
}

function fieldReader(served: ServedResource, field: string): (object: KubeObject) => string {
  if (field === "metadata.name") return ({ metadata }) => metadata.name ?? "";
  if (field === "metadata.namespace" && served.resource.namespaced) return ({ metadata }) => metadata.namespace ?? "";
  const readers = served.definition.fieldSelectors ?? {};
  const known = Object.hasOwn(readers, field) ? readers[field] : undefined;
  if (known !== undefined) return known;
  throw badRequest(`field label not supported: ${field}`);
}

/** Whether the selection names a single key. */
export function isOneObject(served: ServedResource, { name, namespace }: Selected): boolean {
  return name !== "" && (!served.resource.namespaced || namespace !== "");
}

/** The store prefix that holds the selection. */
export function prefixOf(storage: Storage, { namespace, name }: Selected, namespaced: boolean): string {
  if (!namespaced) return name === "" ? storage.prefix : `${storage.prefix}${name}`;
  if (namespace === "") return storage.prefix;
  return name === "" ? `${storage.prefix}${namespace}/` : `${storage.prefix}${namespace}/${name}`;
}

/** Shows the selected entries above `after`, in key order, until `take` answers false. */
export function eachSelected(served: ServedResource, storage: Storage, selected: Selected, after: string | undefined, take: (entry: CacheEntry) => boolean): void {
  const { namespaced } = served.resource;
  const prefix = prefixOf(storage, selected, namespaced);
  if (isOneObject(served, selected)) {
    const entry = storage.cache.get(prefix);
    if (entry !== undefined && (after === undefined || entry.key > after) && passes(served, selected, entry)) take(entry);
    return;
  }
  const visit = selected.matches === undefined ? take : (entry: CacheEntry): boolean => !passes(served, selected, entry) || take(entry);
  const indexed = selected.index === undefined ? undefined : storage.cache.indexed(selected.index.name, selected.index.value);
  if (indexed === undefined) storage.cache.each(prefix, after, visit);
  else indexed.each(after !== undefined && after >= prefix ? `${after}\0` : prefix, undefined, (entry) => !entry.key.startsWith(prefix) || visit(entry));
}

/** Selected entries above `after`, in key order. */
export function selectEntries(served: ServedResource, storage: Storage, selected: Selected, after?: string): readonly CacheEntry[] {
  const entries: CacheEntry[] = [];
  eachSelected(served, storage, selected, after, (entry) => entries.push(entry) > 0);
  return entries;
}

/** The same at this very moment, where entries must be prepared before they can be looked at. */
export async function selectedEntries(served: ServedResource, storage: Storage, selected: Selected, after?: string): Promise<readonly CacheEntry[]> {
  if (selected.matches === undefined || served.conversion?.prepare === undefined) return selectEntries(served, storage, selected, after);
  return preparedMatches(served, selected, selectEntries(served, storage, { ...selected, matches: undefined }, after));
}

/** Those of some entries that are selected. */
export async function preparedMatches(served: ServedResource, selected: Selected, entries: readonly CacheEntry[]): Promise<readonly CacheEntry[]> {
  if (selected.matches === undefined) return entries;
  await prepared(served, entries);
  return entries.filter((entry) => passes(served, selected, entry));
}

/** Whether one entry is selected, its place aside. */
export function passes(served: ServedResource, { matches }: Selected, entry: CacheEntry): boolean {
  return matches === undefined || matches(viewOf(served, entry));
}
