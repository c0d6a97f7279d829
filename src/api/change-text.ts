import { deepEqual } from "../base/values.ts";

/**
 * What differs between two values, one line per field, in place of Go's `cmp.Diff` after "is immutable after creation":
 * `- storageClassName: "slow"`, `+ storageClassName: "fast"`. Upstream's form is unstable on purpose, so nobody reads it by machine.
 */
export function changeText(before: unknown, after: unknown): string {
  const lines: string[] = [];
  compare(before, after, "", lines);
  return lines.join("\n");
}

function compare(before: unknown, after: unknown, path: string, lines: string[]): void {
  if (deepEqual(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) compare(before[key], after[key], path === "" ? key : `${path}.${key}`, lines);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, item] of before.entries()) compare(item, after[index], `${path}[${index}]`, lines);
    return;
  }
  if (before !== undefined) lines.push(`- ${path}: ${JSON.stringify(before)}`);
  if (after !== undefined) lines.push(`+ ${path}: ${JSON.stringify(after)}`);
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
