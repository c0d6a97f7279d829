/** A count as it stands on the wire: 0 is left out, as `omitempty` has it. */
export function omitZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}
