/** Work on the same claims goes one after the other; work on others does not wait. */
export class ClaimLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  async with<T>(claims: Iterable<string>, work: () => Promise<T>): Promise<T> {
    const keys = [...new Set(claims)];
    const before = Promise.allSettled(keys.flatMap((key) => this.#last.get(key) ?? []));
    const run = before.then(work);
    const settled = run.then(
      () => {},
      () => {},
    );
    for (const key of keys) this.#last.set(key, settled);
    try {
      return await run;
    } finally {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
