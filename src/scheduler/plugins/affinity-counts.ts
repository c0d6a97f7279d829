import { type AffinityTerm, termMeans } from "../cluster/affinity-term.ts";
import type { Cluster } from "../cluster/cluster-state.ts";
import type { NodeInfo } from "../cluster/node-info.ts";
import type { PodInfo } from "../cluster/pod-info.ts";
import { type Tally, TriedCounts } from "../cluster/tally.ts";
import type { TriedChange } from "../plugin.ts";
import type { NamespaceReader } from "./namespace-reader.ts";

/** A term of the waiting pod with its namespaces spelled out, and the pods that it means by topology value. */
interface OwnTerm {
  readonly term: AffinityTerm;
  readonly counts: TriedCounts;
}

/** Terms of pods that are there already and mean the waiting pod, by topology value of their holders. */
interface OthersTerm {
  readonly term: AffinityTerm;
  readonly counts: TriedCounts;
}

/** What required affinity and anti-affinity need to know of the cluster for one pod. @upstream interpodaffinity/filtering.go preFilterState */
export interface AffinityCounts {
  /** Pods that match all affinity terms of the waiting pod together, per term's topology. */
  readonly affinity: readonly OwnTerm[];
  readonly antiAffinity: readonly OwnTerm[];
  readonly others: OthersTerm[];
  /** The pod would be near itself: the first of its kind may go anywhere. */
  readonly meansItself: boolean;
}

/** Namespaces that a selector means are as good as named ones, for as long as the cycle lasts. */
export function spellOut(term: AffinityTerm, namespaces: NamespaceReader): AffinityTerm {
  if (term.namespaceSelector.matchesNothing || term.namespaceSelector.matchesEverything) return term;
  const names = [...new Set([...term.namespaces, ...namespaces.matching(term.namespaceSelector)])].sort();
  return { ...term, key: `${term.key}|${names.join(",")}`, namespaces: new Set(names) };
}

/** Pods that a term with spelled out namespaces means. */
export function meantPods(terms: readonly AffinityTerm[], cluster: Cluster): Tally {
  const [first] = terms;
  const isMeant = ({ namespaces, namespaceSelector, selector }: AffinityTerm, pod: PodInfo): boolean =>
    (namespaceSelector.matchesEverything || namespaces.has(pod.namespace)) && selector.matches(pod.labels);
  return cluster.tally({
    key: `terms|${terms.map(({ key }) => key.slice(key.indexOf("|"))).join("&")}`,
    pair: first?.pair,
    namespaces: first?.namespaceSelector.matchesEverything === true ? undefined : first?.namespaces,
    matches: (pod) => terms.every((term) => isMeant(term, pod)),
  });
}

/** Undefined when no term of anybody concerns the pod. */
export function countAffinity(pod: PodInfo, cluster: Cluster, namespaces: NamespaceReader): AffinityCounts | undefined {
  const others: OthersTerm[] = [];
  const labels = namespaces.labelsOf(pod.namespace);
  cluster.terms.requiredAntiAffinity.each(pod.labels, ({ term, holders }) => {
    if (!termMeans(term, pod, labels)) return;
    const counts = holders.by(term.topologyKey);
    if (counts.size > 0) others.push({ term, counts: new TriedCounts(counts) });
  });
  const { requiredAffinity, requiredAntiAffinity } = pod.terms;
  if (requiredAffinity.length === 0 && requiredAntiAffinity.length === 0 && others.length === 0) return undefined;
  const near = requiredAffinity.map((term) => spellOut(term, namespaces));
  const far = requiredAntiAffinity.map((term) => spellOut(term, namespaces));
  return {
    affinity: near.map((term) => ({ term, counts: new TriedCounts(meantPods(near, cluster).by(term.topologyKey)) })),
    antiAffinity: far.map((term) => ({ term, counts: new TriedCounts(meantPods([term], cluster).by(term.topologyKey)) })),
    others,
    meansItself: near.length > 0 && near.every((term) => termMeans(term, pod, labels)),
  };
}

/** The labels that judgeAffinity looks at. */
export function topologyKeysOf({ affinity, antiAffinity, others }: AffinityCounts): readonly string[] {
  return [...affinity, ...antiAffinity, ...others].map(({ term }) => term.topologyKey);
}

export function forkAffinity({ affinity, antiAffinity, others, meansItself }: AffinityCounts): AffinityCounts {
  return {
    affinity: affinity.map(({ term, counts }) => ({ term, counts: counts.fork() })),
    antiAffinity: antiAffinity.map(({ term, counts }) => ({ term, counts: counts.fork() })),
    others: others.map(({ term, counts }) => ({ term, counts: counts.fork() })),
    meansItself,
  };
}

/** Takes another pod in or out, in a forked state. */
export function adjustAffinity(state: AffinityCounts, pod: PodInfo, { other, node, by }: TriedChange, namespaces: NamespaceReader): void {
  const { affinity, antiAffinity, others } = state;
  const add = (term: AffinityTerm, counts: TriedCounts): void => {
    const value = node.labels[term.topologyKey];
    if (value !== undefined) counts.add(value, by);
  };
  const otherLabels = namespaces.labelsOf(other.namespace);
  if (affinity.length > 0 && affinity.every(({ term }) => termMeans(term, other, otherLabels))) for (const { term, counts } of affinity) add(term, counts);
  for (const { term, counts } of antiAffinity) if (termMeans(term, other, otherLabels)) add(term, counts);
  const labels = namespaces.labelsOf(pod.namespace);
  for (const term of other.terms.requiredAntiAffinity) {
    if (!termMeans(term, pod, labels)) continue;
    let found = others.find((known) => known.term.key === term.key);
    if (found === undefined) {
      found = { term, counts: new TriedCounts(new Map()) };
      others.push(found);
    }
    add(term, found.counts);
  }
}

const farFromIt = [{ reason: "node(s) didn't match pod affinity rules", unresolvable: true }];
const tooNear = [{ reason: "node(s) didn't match pod anti-affinity rules", unresolvable: false }];
const unwanted = [{ reason: "node(s) didn't satisfy existing pods anti-affinity rules", unresolvable: false }];

export function judgeAffinity({ affinity, antiAffinity, others, meansItself }: AffinityCounts, { labels }: NodeInfo): typeof tooNear | undefined {
  let isNear = true;
  for (const { term, counts } of affinity) {
    const value = labels[term.topologyKey];
    if (value === undefined) return farFromIt;
    if (counts.get(value) <= 0) isNear = false;
  }
  // The first pod of a group that wants to be near its own kind has nobody to be near to.
  if (!isNear && !(meansItself && affinity.every(({ counts }) => counts.isEmpty))) return farFromIt;
  for (const { term, counts } of antiAffinity) {
    const value = labels[term.topologyKey];
    if (value !== undefined && counts.get(value) > 0) return tooNear;
  }
  for (const { term, counts } of others) {
    const value = labels[term.topologyKey];
    if (value !== undefined && counts.get(value) > 0) return unwanted;
  }
  return undefined;
}
