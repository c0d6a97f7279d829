/**
 * Values pushed on one side, iterated on the other; unread values wait in a buffer of at most `limit`.
 * When the buffer is full `push` returns false and the queue fails its reader with `overflow`: a slow reader is cut
 * off, it never slows the writer.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #buffer: T[] = [];
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #limit: number;
  readonly #overflow: () => unknown;

  constructor(options: { readonly limit: number; readonly overflow?: () => unknown }) {
    this.#limit = options.limit;
    this.#overflow = options.overflow ?? (() => new Error("reader too slow"));
  }

  get length(): number {
    return this.#buffer.length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(value: T): boolean {
    if (this.#ended) return false;
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve({ done: false, value });
      return true;
    }
    if (this.#buffer.length >= this.#limit) {
      this.#buffer = [];
      this.fail(this.#overflow());
      return false;
    }
    this.#buffer.push(value);
    return true;
  }

  /** Ends the iteration after what is buffered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  /** Ends the iteration with an error after what is buffered. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#waiting !== undefined) {
      this.#waiting.reject(error);
      this.#waiting = undefined;
    } else this.#failure = { error };
  }

  /** Takes all that is buffered at once. */
  drain(): T[] {
    const taken = this.#buffer;
    this.#buffer = [];
    return taken;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => {
        if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#buffer.shift() as T });
        if (this.#failure !== undefined) {
          const { error } = this.#failure;
          this.#failure = undefined;
          return Promise.reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (this.#ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise<IteratorResult<T>>((resolve, reject) => {
          this.#waiting = { resolve, reject };
        });
      },
      return: () => {
        this.end();
        this.#buffer = [];
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
