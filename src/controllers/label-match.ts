import type { LabelSelector as LabelSelectorSpec } from "../meta/generated/meta-v1.ts";
import { LabelSelector } from "../meta/label-selector.ts";

type Labels = { readonly [key: string]: string } | undefined;

/** PERF: specs come frozen from a cache, so each is read once. */
const known = new WeakMap<LabelSelectorSpec, LabelSelector>();

/** Whether labels satisfy a spec's selector. Absent selects nothing, an empty one everything. */
export function labelsMatch(selector: LabelSelectorSpec | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  let parsed = known.get(selector);
  if (parsed === undefined) {
    parsed = LabelSelector.of(selector);
    known.set(selector, parsed);
  }
  return parsed.matches(labels);
}

export function isEmptySelector(selector: LabelSelectorSpec | undefined): boolean {
  return selector !== undefined && Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** Whether labels satisfy an equality map, as services and replication controllers have it; an empty map selects nothing. */
export function mapMatches(map: Labels, labels: Labels): boolean {
  const entries = Object.entries(map ?? {});
  return entries.length > 0 && entries.every(([key, value]) => labels?.[key] === value);
}
