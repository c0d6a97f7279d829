import type { Pod, PodAffinityTerm } from "../../api/generated/types/core-v1.ts";
import type { Labels, LabelSelector } from "../../meta/label-selector.ts";
import { knownSelector, withLabelKeys } from "./known-selector.ts";

/** One term of a pod's affinity or anti-affinity: which pods it means, and what counts as near them. */
export interface AffinityTerm {
  /** Equal terms have equal keys. */
  readonly key: string;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces that are meant besides, by their labels. */
  readonly namespaceSelector: LabelSelector;
  readonly selector: LabelSelector;
  /** A label, as `key=value`, that every pod that is meant must have. */
  readonly pair: string | undefined;
  readonly topologyKey: string;
}

export interface WeightedTerm extends AffinityTerm {
  /** Negative for anti-affinity. */
  readonly weight: number;
}

export interface PodTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  /** Whether they mean others by labels that the pod has itself. */
  readonly goByOwnLabels: boolean;
}

const none: PodTerms = { requiredAffinity: [], requiredAntiAffinity: [], preferred: [], goByOwnLabels: false };

/** @upstream pkg/scheduler/framework/types.go GetAffinityTerms */
export function termsOf(pod: Pod): PodTerms {
  const { podAffinity: near, podAntiAffinity: far } = pod.spec.affinity ?? {};
  if (near === undefined && far === undefined) return none;
  const all = [near, far].flatMap((side) => [
    ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return {
    goByOwnLabels: all.some(({ matchLabelKeys = [], mismatchLabelKeys = [] }) => matchLabelKeys.length > 0 || mismatchLabelKeys.length > 0),
    requiredAffinity: (near?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => termOf(pod, term)),
    requiredAntiAffinity: (far?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => termOf(pod, term)),
    preferred: [
      ...(near?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => ({ ...termOf(pod, podAffinityTerm), weight })),
      ...(far?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => ({ ...termOf(pod, podAffinityTerm), weight: -weight })),
    ],
  };
}

function termOf({ metadata }: Pod, term: PodAffinityTerm): AffinityTerm {
  const { namespace = "", labels = {} } = metadata;
  // Without any word about namespaces the pod's own is meant.
  const names = (term.namespaces ?? []).length === 0 && term.namespaceSelector === undefined ? [namespace] : [...(term.namespaces ?? [])].sort();
  const { key, selector, pair } = knownSelector(withLabelKeys(term.labelSelector, labels, { match: term.matchLabelKeys, mismatch: term.mismatchLabelKeys }));
  const ofNamespaces = knownSelector(term.namespaceSelector);
  return {
    key: `${term.topologyKey}|${names.join(",")}|${ofNamespaces.key}|${key}`,
    namespaces: new Set(names),
    namespaceSelector: ofNamespaces.selector,
    selector,
    pair,
    topologyKey: term.topologyKey,
  };
}

/** Whether the term means a pod with these labels; `namespaceLabels` are those of the pod's namespace. */
export function termMeans(term: AffinityTerm, pod: { readonly namespace: string; readonly labels: Labels }, namespaceLabels: Labels): boolean {
  return (term.namespaces.has(pod.namespace) || term.namespaceSelector.matches(namespaceLabels)) && term.selector.matches(pod.labels);
}
