import { invariant } from "../base/invariant.ts";
import type { Condition, Op } from "./contract.ts";

/** What every engine asks of a commit before it looks at the state: keys that are not empty, each in one op at most. */
export function checkOps(ops: readonly Op[]): void {
  if (ops.length === 1) {
    invariant(ops[0]?.key !== "", "a key must not be empty");
    return;
  }
  const seen = new Set<string>();
  for (const { key } of ops) {
    invariant(key !== "", "a key must not be empty");
    invariant(!seen.has(key), `key ${key} stands in two ops of one commit`);
    seen.add(key);
  }
}

/** `revision` is that of the key's present value; undefined when the key is absent. */
export function holds(condition: Condition | undefined, revision: number | undefined): boolean {
  if (condition === undefined) return true;
  return condition === "absent" ? revision === undefined : condition.revision === revision;
}

/** The bounds of a range: `from <= key < to`; without `to` there is no end. */
export function rangeStart(prefix: string, after: string | undefined): string {
  return after === undefined || after < prefix ? prefix : `${after}\0`;
}
