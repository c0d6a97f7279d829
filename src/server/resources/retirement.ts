/** Tells once that a resource is no longer served as it was. */
export class Retirement {
  readonly #listeners = new Set<() => void>();
  #over = false;

  get over(): boolean {
    return this.#over;
  }

  retire(): void {
    if (this.#over) return;
    this.#over = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** Returns what takes the listener away again. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
