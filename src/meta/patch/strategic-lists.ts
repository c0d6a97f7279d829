import { failure, type StatusError } from "../status-error.ts";
import { goText, isJsonObject, unprocessable, type JsonObject } from "./json-value.ts";
import { directives, unknownDirective, withoutDirectives } from "./strategic-directives.ts";

export interface ListMerge {
  /** The field that tells items apart; empty for lists of scalars. */
  readonly mergeKey: string;
  readonly merge: (original: JsonObject, patch: JsonObject) => JsonObject;
  /** The items of `$setElementOrder`. */
  readonly order?: readonly unknown[];
  /** The patch lists scalars to remove. */
  readonly isDeletion?: boolean;
}

/**
 * Merges a patch's list into an object's. Items of the patch come in its order, before those that only the server
 * has unless these stood in front of them. @upstream apimachinery/pkg/util/strategicpatch/patch.go mergeSlice
 */
export function mergeLists(original: readonly unknown[], patch: readonly unknown[], options: ListMerge): readonly unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  const areObjects = checkItems([original, patch, ...(options.order === undefined || options.mergeKey === "" ? [] : [options.order])]);
  if (!areObjects) return mergeScalars(original, patch, options);
  const { mergeKey, order } = options;
  if (mergeKey === "") throw failure("", "cannot merge lists without merge key for type struct");
  if (order !== undefined) checkOrder(patch, order, (item) => keyOf(item as JsonObject, mergeKey));
  const { live, changes } = applySpecialItems(original as readonly JsonObject[], patch as readonly JsonObject[], mergeKey);
  // PERF: by key, for lists of thousands; items of the live list without a key are left alone.
  const places = new Map<unknown, number>();
  for (const [index, item] of live.entries()) if (Object.hasOwn(item, mergeKey) && !places.has(item[mergeKey])) places.set(item[mergeKey], index);
  const merged: JsonObject[] = [...live];
  for (const change of changes) {
    const key = keyOf(change, mergeKey);
    const place = places.get(key);
    const current = place === undefined ? undefined : merged[place];
    if (place === undefined || current === undefined) {
      places.set(key, merged.length);
      merged.push(withoutDirectives(change) as JsonObject);
    } else merged[place] = options.merge(current, change);
  }
  const first = (order ?? changes).map((item) => keyOf(item as JsonObject, mergeKey));
  return arrange(
    merged,
    first,
    live.map((item) => item[mergeKey]),
    (item) => keyOf(item, mergeKey),
  );
}

function mergeScalars(original: readonly unknown[], patch: readonly unknown[], { isDeletion, order }: ListMerge): readonly unknown[] {
  if (isDeletion === true) {
    const gone = new Set(patch);
    return original.filter((item) => !gone.has(item));
  }
  if (order !== undefined) checkOrder(patch, order, (item) => item);
  return arrange([...new Set([...original, ...patch])], order ?? patch, original, (item) => item);
}

/** All items are objects or all are scalars of one type; answers which. */
function checkItems(lists: readonly (readonly unknown[])[]): boolean {
  const kindOf = (item: unknown): string => (Array.isArray(item) ? "list" : item === null ? "null" : typeof item);
  let kind: string | undefined;
  for (const list of lists) {
    for (const item of list) {
      kind ??= kindOf(item);
      if (kind === "list") throw unprocessable("lists of lists are not supported");
      if (kindOf(item) !== kind) throw failure("", `list element types are not identical: ${goText(lists)}`);
    }
  }
  return kind === "object";
}

/** Takes out the items that carry `$patch`: `delete` removes live items, `replace` all of them. */
function applySpecialItems(
  original: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
): { readonly live: readonly JsonObject[]; readonly changes: readonly JsonObject[] } {
  let live = original;
  let isReplaced = false;
  const changes: JsonObject[] = [];
  for (const item of patch) {
    if (!Object.hasOwn(item, directives.patch)) {
      changes.push(item);
      continue;
    }
    const directive = item[directives.patch];
    if (directive === "delete") {
      const key = keyOf(item, mergeKey);
      live = live.filter((candidate) => candidate[mergeKey] !== key);
    } else if (directive === "replace") isReplaced = true;
    else if (directive === "merge") throw failure("", "merging lists cannot yet be specified in the patch");
    else throw unknownDirective(directive, item);
  }
  return isReplaced ? { live: changes.map((item) => withoutDirectives(item) as JsonObject), changes: [] } : { live, changes };
}

function keyOf(item: JsonObject, mergeKey: string): unknown {
  if (isJsonObject(item) && Object.hasOwn(item, mergeKey)) return item[mergeKey];
  throw missingKey(item, mergeKey);
}
const missingKey = (item: unknown, mergeKey: string): StatusError => failure("", `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);

/** The patch's items must stand in `$setElementOrder`, in the same order. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], keyOfItem: (item: unknown) => unknown): void {
  if (order.length === 0 || patch.length === 0) return;
  let at = 0;
  const listed = patch.filter((item) => !isJsonObject(item) || !Object.hasOwn(item, directives.patch));
  for (const item of listed) {
    const key = keyOfItem(item);
    while (at < order.length && keyOfItem(order[at]) !== key) at += 1;
    if (at >= order.length) throw failure("", `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
    at += 1;
  }
}

/**
 * Items named by `first` in that order, and the others in the live order; of the two heads the live one goes first
 * only if both stood in the live list and it stood before. @upstream strategicpatch mergeSortedSlice
 */
function arrange<Item>(items: readonly Item[], first: readonly unknown[], live: readonly unknown[], keyOfItem: (item: Item) => unknown): Item[] {
  const rankOf = (keys: readonly unknown[]): Map<unknown, number> => {
    const ranks = new Map<unknown, number>();
    for (const [index, key] of keys.entries()) if (!ranks.has(key)) ranks.set(key, index);
    return ranks;
  };
  const firstRank = rankOf(first);
  const liveRank = rankOf(live);
  const rank = (ranks: Map<unknown, number>, item: Item): number => ranks.get(keyOfItem(item)) ?? -1;
  const named = items.filter((item) => firstRank.has(keyOfItem(item))).sort((a, b) => rank(firstRank, a) - rank(firstRank, b));
  const others = items.filter((item) => !firstRank.has(keyOfItem(item))).sort((a, b) => rank(liveRank, a) - rank(liveRank, b));
  const out: Item[] = [];
  let [left, right] = [0, 0];
  while (left < others.length || right < named.length) {
    const [other, name] = [others[left], named[right]];
    const isOtherFirst =
      left < others.length &&
      (right >= named.length ||
        (other !== undefined && name !== undefined && rank(liveRank, other) >= 0 && rank(liveRank, name) >= 0 && rank(liveRank, other) < rank(liveRank, name)));
    if (isOtherFirst) {
      if (other !== undefined) out.push(other);
      left += 1;
    } else {
      if (name !== undefined) out.push(name);
      right += 1;
    }
  }
  return out;
}
