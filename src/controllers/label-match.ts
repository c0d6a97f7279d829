import type { LabelSelector } from "../meta/generated/meta-v1.ts";

type Labels = { readonly [key: string]: string } | undefined;

/** Whether labels satisfy the selector. Absent selects nothing, an empty one everything. @upstream apimachinery/pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector */
export function labelsMatch(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  for (const key in selector.matchLabels) if (labels?.[key] !== selector.matchLabels[key]) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels?.[key];
    if (operator === "In" && (value === undefined || !values.includes(value))) return false;
    if (operator === "NotIn" && value !== undefined && values.includes(value)) return false;
    if (operator === "Exists" && value === undefined) return false;
    if (operator === "DoesNotExist" && value !== undefined) return false;
  }
  return true;
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return selector !== undefined && Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** Whether labels satisfy an equality map, as services and replication controllers have it; an empty map selects nothing. */
export function mapMatches(map: Labels, labels: Labels): boolean {
  const entries = Object.entries(map ?? {});
  return entries.length > 0 && entries.every(([key, value]) => labels?.[key] === value);
}
