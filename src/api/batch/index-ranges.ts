/** Text that names no indexes; the message is upstream's. */
export class IndexRangesError extends Error {
  override readonly name = "IndexRangesError";
}

/** From `first` to `last`, both included. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** `0,3-5,7` for an Indexed Job of `completions` indexes, rising. Throws IndexRangesError. @upstream pkg/apis/batch/validation/validation.go validateIndexesFormat */
export function parseIndexRanges(text: string, completions: number): readonly IndexRange[] {
  if (text === "") return [];
  let previous: number | undefined;
  return text.split(",").map((part) => {
    const range = parseRange(part, completions);
    if (previous !== undefined && previous >= range.first) throw new IndexRangesError(`non-increasing order, previous: ${previous}, current: ${range.first}`);
    previous = range.last;
    return range;
  });
}

function parseRange(text: string, completions: number): IndexRange {
  const limits = text.split("-");
  if (limits.length > 2)
    throw new IndexRangesError(`the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`);
  const [first = 0, last = first] = limits.map((limit) => parseIndex(limit, completions));
  if (limits.length === 2 && first >= last) throw new IndexRangesError(`non-increasing order, previous: ${first}, current: ${last}`);
  return { first, last };
}

function parseIndex(text: string, completions: number): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new IndexRangesError(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  if (Number(text) >= completions) throw new IndexRangesError(`too large index: ${JSON.stringify(text)}`);
  return Number(text);
}

export const countIndexes = (ranges: readonly IndexRange[]): number => ranges.reduce((total, { first, last }) => total + last - first + 1, 0);

/** The first index that two lists share; both rise. */
export function sharedIndex(a: readonly IndexRange[], b: readonly IndexRange[]): number | undefined {
  let [left, right] = [0, 0];
  for (;;) {
    const [one, other] = [a[left], b[right]];
    if (one === undefined || other === undefined) return undefined;
    if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first);
    if (one.first <= other.first) left += 1;
    else right += 1;
  }
}

/** `0,3-5` of `[0, 3, 4, 5]`, which must rise. */
export function formatIndexes(indexes: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const index of indexes) {
    const open = ranges.at(-1);
    if (open !== undefined && open.last + 1 === index) open.last = index;
    else ranges.push({ first: index, last: index });
  }
  // Two in a row are written one by one. @upstream pkg/controller/job/indexed_job_utils.go
  return ranges.map(({ first, last }) => (first === last ? String(first) : last === first + 1 ? `${first},${last}` : `${first}-${last}`)).join(",");
}
