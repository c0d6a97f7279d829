import { Generations } from "./cluster/generations.ts";
import type { NodeInfo } from "./cluster/node-info.ts";
import type { Plugin } from "./plugin.ts";
import { NodeBoard } from "./node-board.ts";
import { DryRunMemo } from "./preemption/dry-run-memo.ts";
import { isUnresolvable, type Verdict } from "./verdict.ts";
import { Workspace } from "./workspace.ts";

/** What was said of a node, in a byte. */
const FITS = 0;
export const RESOLVABLE = 1;
const UNRESOLVABLE = 2;

/** Stands for texts that have no number. */
export const UNCOUNTED = 0;

/**
 * What the local plug-ins said of each node about pods of one template, by the node's slot. An entry stands for the
 * node's generation that it was worked out at: `judgedAt.values[3] === 17` means that `verdicts[3]` is of generation 17.
 * PERF: of hundreds of nodes only the one that took the last pod has to be judged again for the next pod of its kind.
 */
export class TemplateMemo {
  readonly judgedAt = new Generations();
  readonly #verdicts: (Verdict | undefined)[] = [];
  #kinds = new Uint8Array(64);
  /** Which texts the verdict gives, as an index into `texts`. */
  #said = new Uint16Array(64);
  readonly #texts = new Map<string, number>();
  readonly #sayings: { readonly plugin: string; readonly reasons: readonly string[] }[] = [{ plugin: "", reasons: [] }];
  readonly #ratedAt = new Generations();
  #ratings = new Float64Array(64);
  readonly dryRuns = new DryRunMemo();
  readonly board = new NodeBoard();
  /** Those that have points to give for a node alone, once that was looked up. */
  raters: readonly Plugin[] | undefined;

  isJudged({ slot, generation }: NodeInfo): boolean {
    return this.judgedAt.values[slot] === generation;
  }

  /** Of a node that is judged. */
  verdict({ slot }: NodeInfo): Verdict | undefined {
    return this.#verdicts[slot];
  }

  verdictAt(slot: number): Verdict | undefined {
    return this.#verdicts[slot];
  }

  kindAt(slot: number): number {
    return this.#kinds[slot] ?? FITS;
  }

  judged({ slot, generation }: NodeInfo, verdict: Verdict | undefined): void {
    const said = verdict === undefined ? UNCOUNTED : this.#textsOf(verdict);
    this.judgedAt.set(slot, generation);
    while (this.#verdicts.length < slot) this.#verdicts.push(undefined);
    this.#verdicts[slot] = verdict;
    if (slot >= this.#kinds.length) {
      this.#kinds = grown(this.#kinds, slot, Uint8Array);
      this.#said = grown(this.#said, slot, Uint16Array);
    }
    this.#kinds[slot] = verdict === undefined ? FITS : isUnresolvable(verdict) ? UNRESOLVABLE : RESOLVABLE;
    this.#said[slot] = said;
  }

  /** Adds what `counts` counts, by the numbers that `saidAt` gives. */
  addSaid(counts: readonly number[], { reasons, plugins }: { readonly reasons: Map<string, number>; readonly plugins: Set<string> }): void {
    for (const [number, count] of counts.entries()) {
      const said = count > 0 ? this.#sayings[number] : undefined;
      if (said === undefined) continue;
      plugins.add(said.plugin);
      for (const reason of said.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    }
  }

  saidAt(slot: number): number {
    return this.#said[slot] ?? 0;
  }

  /** Copies of what was said of each node, and of which kind that is, by slot. */
  snapshot(): { readonly said: Uint16Array; readonly kinds: Uint8Array } {
    return { said: this.#said.slice(), kinds: this.#kinds.slice() };
  }

  isRatedAt(slot: number, generation: number): boolean {
    return this.#ratedAt.values[slot] === generation;
  }

  /** Of a node that is rated. */
  ratingAt(slot: number): number {
    return this.#ratings[slot] ?? 0;
  }

  rated({ slot, generation }: NodeInfo, rating: number): number {
    this.#ratedAt.set(slot, generation);
    if (slot >= this.#ratings.length) this.#ratings = grown(this.#ratings, slot, Float64Array);
    this.#ratings[slot] = rating;
    return rating;
  }

  #textsOf({ plugin, rejections }: Verdict): number {
    const reasons = rejections.map(({ reason }) => reason);
    const text = [plugin, ...reasons].join("\n");
    let known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) return UNCOUNTED;
    known = this.#sayings.length;
    this.#texts.set(text, known);
    this.#sayings.push({ plugin, reasons });
    return known;
  }
}

function grown<T extends Uint8Array | Uint16Array | Float64Array>(array: T, slot: number, make: new (length: number) => T): T {
  const more = new make(Math.max(slot + 1, array.length * 2));
  more.set(array);
  return more;
}

/** Different texts of verdicts about one template that are numbered; others are looked at. */
const MAX_TEXTS = 1024;
/** Templates that are remembered; one more lets the one not used for longest go. */
const MAX_TEMPLATES = 64;

export class TemplateMemos {
  /** For whoever judges with these memos. */
  readonly workspace = new Workspace();
  /** Oldest use first. */
  readonly #memos = new Map<string, TemplateMemo>();
  #last: { readonly template: string; readonly memo: TemplateMemo } | undefined;

  /** Something besides pods and nodes that local plug-ins go by has changed. */
  clear(): void {
    this.#memos.clear();
    this.#last = undefined;
  }

  of(template: string): TemplateMemo {
    // PERF: pods of a template mostly come one after another.
    if (this.#last?.template === template) return this.#last.memo;
    const known = this.#memos.get(template);
    if (known !== undefined) this.#memos.delete(template);
    else if (this.#memos.size >= MAX_TEMPLATES) {
      const oldest = this.#memos.keys().next();
      if (oldest.done !== true) this.#memos.delete(oldest.value);
    }
    const memo = known ?? new TemplateMemo();
    this.#memos.set(template, memo);
    this.#last = { template, memo };
    return memo;
  }
}
