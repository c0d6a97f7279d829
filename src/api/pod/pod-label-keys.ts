import type { Draft } from "../../base/values.ts";
import type { LabelSelector } from "../../meta/generated/meta-v1.ts";
import type { Pod, PodAffinityTerm } from "../generated/types/core-v1.ts";

type Labels = { readonly [key: string]: string };

/**
 * Turns matchLabelKeys and mismatchLabelKeys into expressions with the pod's own labels, once, at creation: what is
 * compared later stands in the selector. @upstream pkg/registry/core/pod/strategy.go mutatePodAffinity
 */
export function mergeLabelKeys(pod: Draft<Pod>): void {
  const labels: Labels = pod.metadata.labels ?? {};
  const { affinity, topologySpreadConstraints } = pod.spec;
  for (const affinities of [affinity?.podAffinity, affinity?.podAntiAffinity]) {
    for (const term of affinities?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeTerm(term, labels);
    for (const weighted of affinities?.preferredDuringSchedulingIgnoredDuringExecution ?? []) mergeTerm(weighted.podAffinityTerm, labels);
  }
  for (const constraint of topologySpreadConstraints ?? []) merge(constraint.labelSelector, constraint.matchLabelKeys, "In", labels);
}

function mergeTerm(term: Draft<PodAffinityTerm>, labels: Labels): void {
  merge(term.labelSelector, term.matchLabelKeys, "In", labels);
  merge(term.labelSelector, term.mismatchLabelKeys, "NotIn", labels);
}

function merge(selector: Draft<LabelSelector> | undefined, keys: readonly string[] | undefined, operator: "In" | "NotIn", labels: Labels): void {
  if (selector === undefined) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value !== undefined) selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }];
  }
}
