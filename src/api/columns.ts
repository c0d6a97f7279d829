import type { LabelSelector as LabelSelectorSpec } from "../meta/generated/meta-v1.ts";
import { LabelSelector } from "../meta/label-selector.ts";
import type { KubeObject } from "../meta/object.ts";
import { humanDuration } from "../meta/human-duration.ts";
import type { Column } from "./kind.ts";

/** The first column of nearly every table. */
export const nameColumn: Column<KubeObject> = { name: "Name", type: "string", format: "name", value: ({ metadata }) => metadata.name ?? "" };

/** How long the object exists: `5d3h`. */
export const ageColumn: Column<KubeObject> = { name: "Age", type: "string", value: ({ metadata }, { nowMs }) => since(metadata.creationTimestamp, nowMs) };

/** The time since an RFC 3339 text as people read it; `<unknown>` when there is none. @upstream printers.go translateTimestampSince */
export function since(timestamp: string | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === "") return "<unknown>";
  return humanDuration(nowMs - Date.parse(timestamp));
}

/** `a=b,c=d` by key, `<none>` when empty. @upstream apimachinery/pkg/labels FormatLabels */
export function labelsText(labels: { readonly [key: string]: string } | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? "<none>" : keys.map((key) => `${key}=${labels?.[key] ?? ""}`).join(",");
}

/** The first `most` items, and how many more there are: `a,b,c + 2 more...`; `empty` when there are none. */
export function listText(items: readonly string[], most: number, empty: string): string {
  if (items.length === 0) return empty;
  const text = items.slice(0, most).join(",");
  return items.length > most ? `${text} + ${items.length - most} more...` : text;
}

/** A selector of a spec as text: `a=b,c in (d,e)`; `<none>` when empty. @upstream apimachinery/pkg/apis/meta/v1 FormatLabelSelector */
export function selectorText(selector: LabelSelectorSpec | undefined): string {
  try {
    return LabelSelector.of(selector).toString() || "<none>";
  } catch {
    return "<error>";
  }
}
