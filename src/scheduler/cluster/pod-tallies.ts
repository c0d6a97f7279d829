import type { NodeInfo } from "./node-info.ts";
import { PairIndex } from "./pair-index.ts";
import type { PodInfo } from "./pod-info.ts";
import { Tally } from "./tally.ts";

/** Some pods of the cluster. */
export interface PodMatcher {
  /** Matchers with the same key match the same pods. */
  readonly key: string;
  /** A label, as `key=value`, that all of them have. */
  readonly pair: string | undefined;
  /** All of them are in these; undefined: anywhere. */
  readonly namespaces: ReadonlySet<string> | undefined;
  matches(pod: PodInfo): boolean;
}

interface Kept {
  readonly matcher: PodMatcher;
  readonly tally: Tally;
}

/** Matchers whose pods are counted all the time; one more lets the one not asked for longest go. */
const MAX_KEPT = 1024;

/**
 * How many pods match, per node and topology value, kept current as pods come and go, so that a scheduling cycle reads
 * the counts instead of looking at every pod.
 */
export class PodTallies {
  /** Oldest use first. */
  readonly #kept = new Map<string, Kept>();
  readonly #byLabels = new PairIndex<Kept>();

  /** `place` goes through the pods of the namespaces that may match, for a matcher that is new. */
  of(matcher: PodMatcher, place: (use: (pod: PodInfo, node: NodeInfo) => void) => void): Tally {
    const known = this.#kept.get(matcher.key);
    if (known !== undefined) {
      this.#kept.delete(matcher.key);
      this.#kept.set(matcher.key, known);
      return known.tally;
    }
    const kept: Kept = { matcher, tally: new Tally() };
    place((pod, node) => {
      if (matcher.matches(pod)) kept.tally.add(node, 1);
    });
    this.#keep(kept);
    return kept.tally;
  }

  count(pod: PodInfo, node: NodeInfo, change: 1 | -1): void {
    this.#byLabels.each(pod.labels, ({ matcher, tally }) => {
      if (matcher.matches(pod)) tally.add(node, change);
    });
  }

  #keep(kept: Kept): void {
    const [oldest] = this.#kept.size < MAX_KEPT ? [] : this.#kept.values();
    if (oldest !== undefined) {
      this.#kept.delete(oldest.matcher.key);
      this.#byLabels.delete(oldest.matcher.pair, oldest);
    }
    this.#kept.set(kept.matcher.key, kept);
    this.#byLabels.add(kept.matcher.pair, kept);
  }
}
