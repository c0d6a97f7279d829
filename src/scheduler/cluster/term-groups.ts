import type { AffinityTerm } from "./affinity-term.ts";
import type { NodeInfo } from "./node-info.ts";
import { PairIndex } from "./pair-index.ts";
import type { PodInfo } from "./pod-info.ts";
import { Tally } from "./tally.ts";

/** Pods of the cluster that have one and the same term, as the pods of a template do. */
export interface TermGroup {
  readonly key: string;
  readonly term: AffinityTerm;
  /** Of a preferred term, negative for anti-affinity; 0 for a required one. */
  readonly weight: number;
  readonly holders: Tally;
}

/** Terms of one kind, each once, found by the labels that they select. */
export class TermGroups {
  readonly #groups = new Map<string, TermGroup>();
  readonly #byLabels = new PairIndex<TermGroup>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  count(term: AffinityTerm, weight: number, node: NodeInfo, change: 1 | -1): void {
    const key = `${weight}|${term.key}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, term, weight, holders: new Tally() };
      this.#groups.set(key, group);
      this.#byLabels.add(term.pair, group);
    }
    group.holders.add(node, change);
    if (!group.holders.isEmpty) return;
    this.#groups.delete(key);
    this.#byLabels.delete(term.pair, group);
  }

  /** Terms that may mean a pod with these labels; the caller looks closer. */
  each(labels: PodInfo["labels"], use: (group: TermGroup) => void): void {
    if (this.#groups.size > 0) this.#byLabels.each(labels, use);
  }
}

/** The affinity terms of all pods that have a node. */
export class ClusterTerms {
  readonly requiredAntiAffinity = new TermGroups();
  readonly requiredAffinity = new TermGroups();
  readonly preferred = new TermGroups();

  count({ terms }: PodInfo, node: NodeInfo, change: 1 | -1): void {
    for (const term of terms.requiredAntiAffinity) this.requiredAntiAffinity.count(term, 0, node, change);
    for (const term of terms.requiredAffinity) this.requiredAffinity.count(term, 0, node, change);
    for (const term of terms.preferred) this.preferred.count(term, term.weight, node, change);
  }
}
