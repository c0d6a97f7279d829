/** What one level may get: at least `low`, at most `high`, and otherwise in proportion to `target`. */
export interface Claim {
  readonly low: number;
  readonly high: number;
  readonly target: number;
}

/** Targets below this count as this, so that every level has a proportion. */
const LEAST_TARGET = 0.001;

/**
 * Divides `total` so that each gets `target × proportion`, held within its bounds, with one proportion for all. When the
 * bounds leave no choice each gets its low (or high) bound. Example: 10 among `{0..4, target 8}` and `{0..9, target 2}`
 * is 4 and 6. @upstream apiserver/pkg/util/flowcontrol/conc_alloc.go
 */
export function divideSeats(total: number, claims: readonly Claim[]): { readonly shares: readonly number[]; readonly proportion: number } {
  const targets = claims.map(({ target }) => Math.max(target, LEAST_TARGET));
  const targetOf = (index: number): number => targets[index] ?? LEAST_TARGET;
  const sharesAt = (proportion: number): number[] => claims.map(({ low, high }, index) => Math.max(low, Math.min(high, proportion * targetOf(index))));
  const sumAt = (proportion: number): number => sharesAt(proportion).reduce((sum, share) => sum + share, 0);
  // Between two neighbouring turning points the sum rises in a straight line.
  const turns = [...new Set(claims.flatMap(({ low, high }, index) => [low / targetOf(index), high / targetOf(index)]))].sort((a, b) => a - b);
  let [below = 0] = turns;
  if (sumAt(below) >= total) return { shares: sharesAt(below), proportion: below };
  for (const above of turns) {
    const from = sumAt(below);
    const to = sumAt(above);
    if (to >= total) {
      const proportion = to === from ? above : below + ((total - from) / (to - from)) * (above - below);
      return { shares: sharesAt(proportion), proportion };
    }
    below = above;
  }
  return { shares: sharesAt(below), proportion: below };
}
