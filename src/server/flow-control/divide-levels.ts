import type { PriorityLevel, SeatBounds } from "./priority-level.ts";
import { type Claim, divideSeats } from "./seat-shares.ts";

/** Seats of a level by its part of all shares. Rounded up: together they may be a few more than there are. */
export function boundsOf(
  { shares, lendable, borrowing }: { readonly shares: number; readonly lendable: number; readonly borrowing: number | undefined },
  { totalSeats, totalShares }: { readonly totalSeats: number; readonly totalShares: number },
): SeatBounds {
  const nominal = totalShares === 0 ? 0 : Math.ceil((totalSeats * shares) / totalShares);
  const lower = nominal - Math.round((nominal * lendable) / 100);
  return { nominal, lower, upper: nominal + (borrowing === undefined ? totalSeats : Math.round((nominal * borrowing) / 100)) };
}

/**
 * How many seats each level has for the next period: those that want less lend to those that want more, within their
 * bounds. Exempt levels take what they want first. @upstream apiserver/pkg/util/flowcontrol/apf_controller.go updateBorrowingLocked
 */
export function divideLevels(levels: readonly PriorityLevel[]): { readonly limits: ReadonlyMap<PriorityLevel, number>; readonly fairFraction: number } {
  const limits = new Map<PriorityLevel, number>();
  const limited: PriorityLevel[] = [];
  let seats = 0;
  for (const level of levels) seats += level.bounds.nominal;
  for (const level of levels) {
    if (level.isExempt) {
      const { wantedSeats } = level;
      level.targetSeats = wantedSeats;
      limits.set(level, wantedSeats);
      seats -= wantedSeats;
    } else limited.push(level);
  }
  const least = sum(limited.map(({ bounds }) => bounds.lower));
  const wanted = sum(limited.map(({ wantedSeats }) => wantedSeats));
  for (const level of limited) level.targetSeats = Math.max(level.wantedSeats, level.set.demand.smoothed);
  if (seats <= wanted) {
    // The exempt took so much that not all can have what they want.
    const part = seats <= least || wanted === least ? 0 : (seats - least) / (wanted - least);
    for (const level of limited) limits.set(level, level.bounds.lower + Math.round((level.wantedSeats - level.bounds.lower) * part));
    return { limits, fairFraction: 0 };
  }
  const claims = limited.map((level): Claim => ({ low: level.wantedSeats, high: level.bounds.upper, target: level.targetSeats }));
  const { shares, proportion } = divideSeats(seats, claims);
  for (const [index, level] of limited.entries()) limits.set(level, Math.round(shares[index] ?? level.bounds.nominal));
  return { limits, fairFraction: proportion };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
