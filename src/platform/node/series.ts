import type { LabelValues } from "../../base/metrics.ts";

/**
 * What is kept for each set of label values of one metric, as many sets as are used. Example: labels `verb`, `code`; after
 * `at(["GET", "200"])` one record for `{ verb: "GET", code: "200" }`.
 * PERF: a tree of maps, one level for each label, finds a record without making a text of the labels first.
 */
export class Series<Value> {
  readonly #names: readonly string[];
  readonly #make: () => Value;
  readonly #root = new Map<string, unknown>();
  readonly #all: (readonly [labels: Readonly<Record<string, string>>, value: Value])[] = [];

  constructor(names: readonly string[], make: () => Value) {
    this.#names = names;
    this.#make = make;
    // What has no labels is shown before it is counted.
    if (names.length === 0) this.at([]);
  }

  /** The record of these labels, in the order of the metric's names; made when it is first asked for. */
  at(labels: LabelValues): Value {
    const names = this.#names;
    if (labels.length !== names.length) throw new Error(`the metric has the labels ${names.join(", ")}, and was given ${labels.length} values`);
    let level = this.#root;
    const last = names.length - 1;
    for (let index = 0; index < last; index += 1) {
      const label = labels[index] ?? "";
      let next = level.get(label) as Map<string, unknown> | undefined;
      if (next === undefined) level.set(label, (next = new Map()));
      level = next;
    }
    const label = labels[last] ?? "";
    const known = level.get(label) as Value | undefined;
    if (known !== undefined) return known;
    const made = this.#make();
    level.set(label, made);
    this.#all.push([Object.fromEntries(names.map((name, index) => [name, labels[index] ?? ""])), made]);
    return made;
  }

  /** Every record with its labels, the oldest first. */
  entries(): Iterable<readonly [labels: Readonly<Record<string, string>>, value: Value]> {
    return this.#all;
  }
}
