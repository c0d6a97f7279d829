import type { LabelSelector as LabelSelectorSpec } from "../../meta/generated/meta-v1.ts";
import { type Labels, LabelSelector } from "../../meta/label-selector.ts";
import { StatusError } from "../../meta/status-error.ts";

/** A selector that is parsed once, with a text that equal selectors share. */
export interface KnownSelector {
  readonly key: string;
  readonly selector: LabelSelector;
  /** `app=web` when labels must have exactly that to match: what matching pods are found by. */
  readonly pair: string | undefined;
}

// PERF: pods of one template bring the same few selectors again and again; emptied when full.
const parsed = new Map<string, KnownSelector>();
const MAX_PARSED = 4096;

/** An absent selector selects nothing, as does one that cannot be read; an empty one everything. */
export function knownSelector(spec: LabelSelectorSpec | undefined): KnownSelector {
  const key = spec === undefined ? "" : JSON.stringify([spec.matchLabels, spec.matchExpressions]);
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const selector = parse(spec);
  const made: KnownSelector = { key, selector, pair: pairOf(selector) };
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(key, made);
  return made;
}

function parse(spec: LabelSelectorSpec | undefined): LabelSelector {
  try {
    return LabelSelector.of(spec);
  } catch (error) {
    if (error instanceof StatusError) return LabelSelector.nothing;
    throw error;
  }
}

function pairOf({ requirements }: LabelSelector): string | undefined {
  for (const { key, operator, values } of requirements) {
    const [value] = values;
    if (value !== undefined && values.length === 1 && (operator === "=" || operator === "==" || operator === "in")) return `${key}=${value}`;
  }
  return undefined;
}

/**
 * The selector with the pod's own values of `matchKeys` required and those of `mismatchKeys` excluded. The API server
 * does the same when it creates a pod, so that for most pods nothing is left to add.
 */
export function withLabelKeys(
  spec: LabelSelectorSpec | undefined,
  labels: Labels,
  { match = [], mismatch = [] }: { readonly match?: readonly string[] | undefined; readonly mismatch?: readonly string[] | undefined },
): LabelSelectorSpec | undefined {
  if (spec === undefined || (match.length === 0 && mismatch.length === 0)) return spec;
  const added = [...match.map((key) => ({ key, operator: "In" })), ...mismatch.map((key) => ({ key, operator: "NotIn" }))].flatMap(({ key, operator }) => {
    const value = labels[key];
    const isThere = (spec.matchExpressions ?? []).some((known) => known.key === key && known.operator === operator);
    return value === undefined || isThere ? [] : [{ key, operator, values: [value] }];
  });
  return added.length === 0 ? spec : { ...spec, matchExpressions: [...(spec.matchExpressions ?? []), ...added] };
}
