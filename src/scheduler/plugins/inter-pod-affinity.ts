import type { Change } from "../changes.ts";
import { type AffinityTerm, termMeans } from "../cluster/affinity-term.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import { type PodInfo, podInfo } from "../cluster/pod-info.ts";
import { MAX_SCORE, type Plugin } from "../plugin.ts";
import { type AffinityCounts, adjustAffinity, countAffinity, forkAffinity, judgeAffinity, meantPods, spellOut, topologyKeysOf } from "./affinity-counts.ts";
import type { NamespaceReader } from "./namespace-reader.ts";

export interface InterPodAffinityOptions {
  /** What a required affinity of a pod that is there already counts when it means the waiting one. Default 1; 0 to 100. */
  readonly hardPodAffinityWeight?: number | undefined;
  /** Whether pods without wishes of their own are rated without those of others. */
  readonly ignorePreferredTermsOfExistingPods?: boolean | undefined;
}

/** So much for each pod under the node's value of the label: `{zone, {a => 3}, 10}` is worth 30 in zone a. */
interface Wish {
  readonly topologyKey: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly weight: number;
}

/** Puts pods near to or far from others, as they and the others ask. @upstream plugins/interpodaffinity */
export function interPodAffinity({ hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityOptions, namespaces: NamespaceReader): Plugin {
  return {
    name: "InterPodAffinity",
    weight: 2,
    prefilter(pod, cluster) {
      const counts = countAffinity(pod, cluster, namespaces);
      return counts === undefined ? "skip" : { state: counts };
    },
    filter: (_pod, node, state) => judgeAffinity(state as AffinityCounts, node),
    topologyKeys: (state) => topologyKeysOf(state as AffinityCounts),
    fork: (state) => forkAffinity(state as AffinityCounts),
    adjust: (state, pod, change) => adjustAffinity(state as AffinityCounts, pod, change, namespaces),
    prescore(pod, cluster) {
      // PERF: in many clusters nobody wishes anything.
      if (pod.terms.preferred.length === 0 && cluster.terms.preferred.isEmpty && cluster.terms.requiredAffinity.isEmpty) return "skip";
      if (ignorePreferredTermsOfExistingPods && pod.terms.preferred.length === 0) return "skip";
      const wishes = wishesFor(pod, cluster, { hardPodAffinityWeight, namespaces });
      return wishes.length === 0 ? "skip" : wishes;
    },
    score(_pod, { labels }, state) {
      let score = 0;
      for (const { topologyKey, counts, weight } of state as readonly Wish[]) {
        const value = labels[topologyKey];
        if (value !== undefined) score += (counts.get(value) ?? 0) * weight;
      }
      return score;
    },
    normalize(scores) {
      let least = Number.POSITIVE_INFINITY;
      let most = Number.NEGATIVE_INFINITY;
      for (let index = 0; index < scores.length; index += 1) {
        const score = scores[index] ?? 0;
        if (score < least) least = score;
        if (score > most) most = score;
      }
      const range = most - least;
      for (let index = 0; index < scores.length; index += 1) scores[index] = range > 0 ? Math.trunc(MAX_SCORE * (((scores[index] ?? 0) - least) / range)) : 0;
    },
    listens: ["pod/add", "pod/delete", "pod/label", "target/label", "node/add", "node/label", "node/delete"],
    mayHelp(pod, change) {
      if (change.resource === "node") return mayHelpNode(pod, change);
      if (change.resource === "target") return true;
      return change.resource === "pod" && mayHelpPod(pod, change, namespaces);
    },
  };
}

/** What the waiting pod wishes of those that are there, and they of it, by topology value. @upstream interpodaffinity/scoring.go */
function wishesFor(
  pod: PodInfo,
  cluster: Cluster,
  { hardPodAffinityWeight, namespaces }: { readonly hardPodAffinityWeight: number; readonly namespaces: NamespaceReader },
): readonly Wish[] {
  const wishes: Wish[] = [];
  const add = (topologyKey: string, counts: ReadonlyMap<string, number>, weight: number): void => {
    if (counts.size > 0) wishes.push({ topologyKey, counts, weight });
  };
  for (const { weight, ...term } of pod.terms.preferred) add(term.topologyKey, meantPods([spellOut(term, namespaces)], cluster).by(term.topologyKey), weight);
  const labels = namespaces.labelsOf(pod.namespace);
  cluster.terms.preferred.each(pod.labels, ({ term, weight, holders }) => {
    if (termMeans(term, pod, labels)) add(term.topologyKey, holders.by(term.topologyKey), weight);
  });
  if (hardPodAffinityWeight === 0) return wishes;
  cluster.terms.requiredAffinity.each(pod.labels, ({ term, holders }) => {
    if (termMeans(term, pod, labels)) add(term.topologyKey, holders.by(term.topologyKey), hardPodAffinityWeight);
  });
  return wishes;
}

function mayHelpPod(pod: PodInfo, { previous, next }: Extract<Change, { readonly resource: "pod" }>, namespaces: NamespaceReader): boolean {
  const before = previous === undefined ? undefined : podInfo(previous);
  const after = next === undefined ? undefined : podInfo(next);
  const means = (term: AffinityTerm, other: PodInfo | undefined): boolean => other !== undefined && termMeans(term, other, namespaces.labelsOf(other.namespace));
  const { requiredAffinity, requiredAntiAffinity } = pod.terms;
  const meansAll = (other: PodInfo | undefined): boolean => requiredAffinity.length > 0 && requiredAffinity.every((term) => means(term, other));
  // Somebody to be near to came, or somebody to be far from went.
  if (!meansAll(before) && meansAll(after)) return true;
  // With the last of its kind gone the pod may be the first of it, anywhere.
  if (meansAll(before) && !meansAll(after) && meansAll(pod)) return true;
  if (requiredAntiAffinity.some((term) => means(term, before) && !means(term, after))) return true;
  return before !== undefined && after === undefined && before.terms.requiredAntiAffinity.some((term) => termMeans(term, pod, namespaces.labelsOf(pod.namespace)));
}

function mayHelpNode({ terms }: PodInfo, { previous, next }: Extract<Change, { readonly resource: "node" }>): boolean {
  // With a node that goes or moves, its pods are near to others, or to nobody: whose terms that concerns is not looked into.
  if (previous !== undefined || next === undefined) return true;
  const labels = next.metadata.labels ?? {};
  return terms.requiredAffinity.every(({ topologyKey }) => labels[topologyKey] !== undefined);
}
