/** A broken promise of our own code; never a user's mistake. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws when something that our code guarantees does not hold. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (condition === false || condition === undefined || condition === null) throw new InvariantError(message);
}
