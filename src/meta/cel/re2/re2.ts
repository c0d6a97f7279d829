import { isWord, type Node, parseRe2, Re2Error } from "./parse-re2.ts";

/**
 * Regular expressions as Go's regexp has them, in time linear to the text: all ways to match are followed side by side,
 * the preferred first. @upstream Go's regexp/exec.go
 */
export interface Re2 {
  /** Whether some part of the text matches. */
  test(text: string): boolean;
  /** The matching parts that do not overlap, at most `limit` (below zero: all). */
  findAll(text: string, limit: number): string[];
}

type Step =
  | { readonly op: "set"; readonly test: (code: number) => boolean; next: number }
  | { readonly op: "assert"; readonly what: Extract<Node, { kind: "assert" }>["what"]; next: number }
  | { readonly op: "split"; next: number; other: number }
  | { readonly op: "match" };

const maxSteps = 100_000;
const maxCached = 1000;
const cache = new Map<string, Re2 | string>();

/** A compiled expression, or what is wrong with it. PERF: compiled once; the cache is emptied when full. */
export function compileRe2(pattern: string): Re2 | string {
  let known = cache.get(pattern);
  if (known === undefined) {
    if (cache.size >= maxCached) cache.clear();
    known = build(pattern);
    cache.set(pattern, known);
  }
  return known;
}

function build(pattern: string): Re2 | string {
  try {
    const steps: Step[] = [];
    emit(parseRe2(pattern), steps);
    steps.push({ op: "match" });
    return new SideBySide(steps);
  } catch (error) {
    if (error instanceof Re2Error) return error.message;
    throw error;
  }
}

/** Appends a node's steps; each goes on to the one after. */
function emit(node: Node, steps: Step[]): void {
  if (steps.length > maxSteps) throw new Re2Error("error parsing regexp: expression too large");
  switch (node.kind) {
    case "set":
      steps.push({ op: "set", test: node.test, next: steps.length + 1 });
      return;
    case "assert":
      steps.push({ op: "assert", what: node.what, next: steps.length + 1 });
      return;
    case "sequence":
      for (const part of node.parts) emit(part, steps);
      return;
    case "choice": {
      const ends: { next: number }[] = [];
      for (const [index, part] of node.parts.entries()) {
        if (index === node.parts.length - 1) {
          emit(part, steps);
          break;
        }
        const split = { op: "split" as const, next: steps.length + 1, other: 0 };
        steps.push(split);
        emit(part, steps);
        const end = { op: "split" as const, next: 0, other: -1 };
        steps.push(end);
        ends.push(end);
        split.other = steps.length;
      }
      for (const end of ends) end.next = steps.length;
      return;
    }
    default:
      emitRepeat(node, steps);
  }
}

function emitRepeat({ part, min, max, lazy }: Extract<Node, { kind: "repeat" }>, steps: Step[]): void {
  for (let count = 0; count < min; count += 1) emit(part, steps);
  const fork = (): { next: number; other: number } => {
    const split = { op: "split" as const, next: steps.length + 1, other: 0 };
    steps.push(split);
    return split;
  };
  const leave = (split: { next: number; other: number }, after: number): void => {
    split.other = after;
    if (lazy) [split.next, split.other] = [split.other, split.next];
  };
  if (max === Infinity) {
    const start = steps.length;
    const split = fork();
    emit(part, steps);
    steps.push({ op: "split", next: start, other: -1 });
    leave(split, steps.length);
    return;
  }
  const splits: { next: number; other: number }[] = [];
  for (let count = min; count < max; count += 1) {
    splits.push(fork());
    emit(part, steps);
  }
  for (const split of splits) leave(split, steps.length);
}

/** Where each way stands: the step it is at and where its match began. */
interface Ways {
  readonly steps: number[];
  readonly starts: number[];
}

class SideBySide implements Re2 {
  readonly #steps: readonly Step[];
  readonly #mark: Uint32Array;
  #round = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#mark = new Uint32Array(steps.length);
  }

  test(text: string): boolean {
    return this.#search(codesOf(text), 0, true) !== undefined;
  }

  findAll(text: string, limit: number): string[] {
    const codes = codesOf(text);
    const found: string[] = [];
    let previousEnd = -1;
    for (let from = 0; from <= codes.length; ) {
      if (limit >= 0 && found.length >= limit) break;
      const match = this.#search(codes, from, false);
      if (match === undefined) break;
      const [start, end] = match;
      // An empty match right behind a match is none.
      if (end > start || start !== previousEnd)
        found.push(
          codes
            .slice(start, end)
            .map((code) => String.fromCodePoint(code))
            .join(""),
        );
      previousEnd = end;
      from = end > start ? end : end + 1;
    }
    return found;
  }

  /** The leftmost match at or behind `from`, the preferred of those that begin there. */
  #search(codes: readonly number[], from: number, anyWillDo: boolean): readonly [number, number] | undefined {
    let now: Ways = { steps: [], starts: [] };
    let found: readonly [number, number] | undefined;
    for (let at = from; at <= codes.length; at += 1) {
      const next: Ways = { steps: [], starts: [] };
      this.#round += 1;
      const ready: Ways = { steps: [], starts: [] };
      for (const [index, step] of now.steps.entries()) this.#follow(step, now.starts[index] ?? 0, at, codes, ready);
      if (found === undefined) this.#follow(0, at, at, codes, ready);
      if (ready.steps.length === 0 && found !== undefined) break;
      const code = codes[at];
      for (const [index, id] of ready.steps.entries()) {
        const step = this.#steps[id];
        const start = ready.starts[index] ?? 0;
        if (step?.op === "match") {
          found = [start, at];
          if (anyWillDo) return found;
          // What comes behind is preferred less.
          break;
        }
        if (step?.op === "set" && code !== undefined && step.test(code)) {
          next.steps.push(step.next);
          next.starts.push(start);
        }
      }
      now = next;
    }
    return found;
  }

  /** Adds the steps that wait for a character, from `first` on, in order of preference; each once. */
  #follow(first: number, start: number, at: number, codes: readonly number[], into: Ways): void {
    const pending = [first];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (this.#mark[id] === this.#round) continue;
      this.#mark[id] = this.#round;
      const step = this.#steps[id];
      if (step === undefined) continue;
      if (step.op === "split") {
        if (step.other >= 0) pending.push(step.other);
        pending.push(step.next);
      } else if (step.op === "assert") {
        if (holds(step.what, codes, at)) pending.push(step.next);
      } else {
        into.steps.push(id);
        into.starts.push(start);
      }
    }
  }
}

function holds(what: Extract<Node, { kind: "assert" }>["what"], codes: readonly number[], at: number): boolean {
  switch (what) {
    case "text-start":
      return at === 0;
    case "text-end":
      return at === codes.length;
    case "line-start":
      return at === 0 || codes[at - 1] === 10;
    case "line-end":
      return at === codes.length || codes[at] === 10;
    default:
      return (isWord(codes[at - 1]) !== isWord(codes[at])) === (what === "word");
  }
}

function codesOf(text: string): number[] {
  const codes: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) ?? 0;
    if (code > 0xffff) index += 1;
    codes.push(code);
  }
  return codes;
}
