/** From the least to the most that something may be. What is beyond 64 bits is Infinity. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const MOST = 2 ** 64;
const bounded = (value: number): number => (value >= MOST ? Number.POSITIVE_INFINITY : value);
const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : bounded(a * b));

export const fixed = (value: number): Range => ({ min: value, max: value });
export const nothing: Range = fixed(0);
export const unknownSize: Range = { min: 0, max: Number.POSITIVE_INFINITY };

export const add = (...ranges: readonly Range[]): Range => ({
  min: bounded(ranges.reduce((sum, { min }) => sum + min, 0)),
  max: bounded(ranges.reduce((sum, { max }) => sum + max, 0)),
});
export const multiply = (a: Range, b: Range): Range => ({ min: product(a.min, b.min), max: product(a.max, b.max) });
/** Each bound times `factor`, rounded up. */
export const scale = ({ min, max }: Range, factor: number): Range => ({ min: Math.ceil(product(min, factor)), max: Math.ceil(product(max, factor)) });
/** What covers both. */
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
