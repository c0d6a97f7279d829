import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";

type Check<Item> = (path: FieldPath, item: Item) => Iterable<FieldError>;

/** Too long a list is not looked at any further. @upstream pkg/apis/resource/validation/validation.go validateSlice */
export function* checkList<Item>(path: FieldPath, items: readonly Item[], most: number, check: Check<Item>): Iterable<FieldError> {
  if (items.length > most) {
    yield path.tooMany(items.length, most);
    return;
  }
  for (const [index, item] of items.entries()) yield* check(path.index(index), item);
}

/** A list whose items differ by `keyOf`. @upstream validateSet */
export function* checkSet<Item>(path: FieldPath, items: readonly Item[], most: number, check: Check<Item>, keyOf: (item: Item) => unknown): Iterable<FieldError> {
  yield* checkList(path, items, most, check);
  if (items.length > most) return;
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const text = JSON.stringify(key) ?? "";
    if (seen.has(text)) yield path.index(index).duplicate(key);
    seen.add(text);
  }
}

/** Keys that are too long to be shown whole are cut in the middle. @upstream validateMap */
export function* checkMap<Item>(
  path: FieldPath,
  items: { readonly [key: string]: Item },
  { most = Number.POSITIVE_INFINITY, keyLength }: { readonly most?: number; readonly keyLength: number },
  checkKey: Check<string>,
  check: Check<Item>,
): Iterable<FieldError> {
  const entries = Object.entries(items);
  if (entries.length > most) {
    yield path.tooMany(entries.length, most);
    return;
  }
  for (const [key, item] of entries) {
    const at = path.key(shortened(key, Math.max(16, keyLength)));
    yield* checkKey(at, key);
    yield* check(at, item);
  }
}

function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  const left = length - 3;
  return `${text.slice(0, Math.floor((left + 1) / 2))}...${text.slice(text.length - Math.floor(left / 2))}`;
}
